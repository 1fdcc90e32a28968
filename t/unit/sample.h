
/*
 * Copyright (C) Flagship
 */


/*
 * A document with a flag or two of every kind of code, and contexts that take
 * all the ways through it.
 */


#ifndef _FLAGSHIP_SAMPLE_H_INCLUDED_
#define _FLAGSHIP_SAMPLE_H_INCLUDED_


#include "engine.h"


#define SAMPLE_SEGMENTS                                                       \
    "\"segments\": ["                                                         \
    " {\"key\": \"pro\", \"when\": {\"==\": [{\"var\": \"plan\"},"            \
    "  \"pro\"]}},"                                                           \
    " {\"key\": \"keyed\", \"when\": {\"and\": [{\"segment\": \"pro\"},"      \
    "  {\"rollout\": 50}]}}]"

#define SAMPLE_FLAGS                                                          \
    " {\"key\": \"simple\", \"enabled\": true, \"rollout\": 30,"              \
    "  \"user_ids\": [\"alice\", \"bob\"]},"                                  \
    " {\"key\": \"New-ui\", \"type\": \"json\", \"enabled\": true,"           \
    "  \"variants\": {\"x\": {\"a\": [1, \"\\u00e9\"]}, \"y\": null},"        \
    "  \"default_variant\": \"y\", \"metadata\": {\"team\": \"web\"},"        \
    "  \"enable_at\": \"2020-01-01T00:00:00Z\","                              \
    "  \"prerequisites\": [{\"flag\": \"simple\", \"variant\": \"on\"}],"     \
    "  \"rules\": [{\"name\": \"first\", \"when\": {\"segment\": \"keyed\"}," \
    "   \"serve\": {\"split\": {\"x\": 1, \"y\": 3}}}]},"                     \
    " {\"key\": \"values\", \"type\": \"string\", \"enabled\": true,"         \
    "  \"variants\": {\"a\": \"1\", \"b1\": \"2\", \"x\": \"3\"},"            \
    "  \"default_variant\": null, \"rules\": ["                               \
    "   {\"when\": {\"in\": [{\"var\": \"plan\"}, [\"free\", 1, null,"        \
    "    true]]}, \"serve\": {\"cat\": [\"b\", {\"var\": \"n\"}]}},"          \
    "   {\"when\": {\"<\": [1, {\"var\": \"n\"}, 9]},"                        \
    "    \"serve\": {\"fractional\": [{\"cat\": [\"s\","                      \
    "     {\"var\": \"targetingKey\"}]}, [\"a\", 50], [\"x\", 50]]}},"        \
    "   {\"when\": {\"sem_ver\": [{\"var\": \"v\"}, \">=\", \"1.2.3-rc\"]},"  \
    "    \"serve\": {\"flag\": \"New-ui\"}},"                                 \
    "   {\"when\": {\"or\": [{\"starts_with\": [{\"var\": \"plan\"}, \"p\"]},"\
    "    {\"ends_with\": [{\"var\": \"v\"}, {\"var\": \"plan\"}]},"           \
    "    {\"<=\": [\"a\", {\"var\": \"v\"}]},"                                \
    "    {\"in\": [\"r\", {\"var\": \"plan\"}]},"                             \
    "    {\"in_cidr\": [{\"var\": \"v\"}, [\"10.0.0.0/8\", \"::1/64\"]]},"    \
    "    {\"in_cidr\": [{\"var\": \"v\"}, {\"var\": \"n\"}]},"                \
    "    {\"in_set\": [{\"var\": \"v\"}, \"staff\"]},"                        \
    "    {\"matches\": [{\"var\": \"v\"}, \"^q?[0-8]+\\\\b\"]},"              \
    "    {\"==\": [{\"matches\": [{\"var\": \"v\"}, \"a|.b\"]}, true]},"      \
    "    {\"matches\": [{\"var\": \"v\"}, \"zz\"]},"                          \
    "    {\"==\": [{\"lower\": {\"var\": \"v\"}}, \"x\"]},"                   \
    "    {\"==\": [{\"bucket\": [\"sha1\", 9, {\"var\": \"v\"}]}, 10]},"      \
    "    {\"===\": [{\"var\": \"n\"}, {\"var\": \"v\"}]},"                    \
    "    {\"var\": {\"cat\": [\"pl\", \"an\"]}}]},"                           \
    "    \"serve\": {\"fractional\": [[\"a\", {\"var\": \"n\"}],"             \
    "     [{\"var\": \"plan\"}]]}},"                                          \
    "   {\"when\": {\"==\": [{\"flag\": \"simple\"}, \"on\"]},"               \
    "    \"serve\": {\"var\": [\"plan\", \"a\"]}},"                           \
    "   {\"when\": {\">\": [{\"time\": {\"var\": \"v\"}},"                    \
    "    {\"var\": \"$flagd.timestamp\"}]}, \"serve\": \"a\"}]},"             \
    " {\"key\": \"bad\", \"rules\": 1}"

#define SAMPLE_SETS  "\"sets\": {\"staff\": [\"x\"]}"


static const char  sample[] =
    "{" SAMPLE_SEGMENTS ", \"flags\": [" SAMPLE_FLAGS "], " SAMPLE_SETS "}";


static const char  *contexts[] = {
    "{}",
    "{\"targetingKey\": \"user3\", \"plan\": \"pro\", \"n\": 5,"
    " \"v\": \"1.2.3\"}",
    "{\"targetingKey\": \"alice\", \"plan\": \"free\", \"n\": 1,"
    " \"v\": [1, \"x\"]}",
    "{\"targetingKey\": \"zed\", \"plan\": \"q\", \"n\": 2,"
    " \"v\": \"2030-01-01T00:00:00Z\"}",
    "{\"targetingKey\": \"zed\", \"plan\": \"q\", \"n\": 0, \"v\": \"q\"}",
    "{\"targetingKey\": \"zed\", \"plan\": \"q\", \"n\": [\"10.1.0.0/16\"],"
    " \"v\": \"10.1.2.3\"}"
};


/* The same with n times the flags, under keys of their own.  The caller free()s
   the text. */

static inline char *
sample_large(unsigned n)
{
    char        *text, *to;
    size_t       len;
    unsigned     i;
    const char  *p, *key;

    static const char  flags[] = SAMPLE_FLAGS;
    static const char  before[] = "{\"key\": \"";

    text = malloc(sizeof(sample) + n * (sizeof(flags) + 64));
    assert_non_null(text);

    to = text + sprintf(text, "{" SAMPLE_SEGMENTS ", \"flags\": ["
                        SAMPLE_FLAGS);

    for (i = 1; i < n; i++) {
        to += sprintf(to, ", ");

        for (p = strstr(flags, before); *p; p = key) {
            key = strstr(p + 1, before);
            len = key ? (size_t) (key - p) : strlen(p);
            key = p + len;

            to += sprintf(to, "%s%u-%.*s", before, i,
                          (int) (len - strlen(before)), p + strlen(before));
        }
    }

    sprintf(to, "], " SAMPLE_SETS "}");

    return text;
}


#endif /* _FLAGSHIP_SAMPLE_H_INCLUDED_ */
