
/*
 * Copyright (C) Flagship
 */


#include "unit.h"
#include "flagship_keys.h"


static unsigned char  hashes[4][FLAGSHIP_KEY_HASH] = {
    "the first hash, of 32 bytes ...",
    "the second hash, of 32 bytes ..",
    "the third hash, of 32 bytes ...",
    "the fourth hash, of 32 bytes .."
};


static flagship_key_t
a_key(const char *id, const char *tenant, const char *environment,
    unsigned role, unsigned hash)
{
    flagship_key_t  key;

    memset(&key, 0, sizeof(flagship_key_t));

    key.id = unit_str(id);
    key.tenant = unit_str(tenant);
    key.environment = unit_str(environment);
    key.role = role;
    key.hash = hashes[hash];
    key.expires = FLAGSHIP_KEY_FOREVER;

    return key;
}


static void *
blob_of(flagship_key_t *keys, size_t n, size_t *len)
{
    void  *blob;

    assert_int_equal(flagship_keys_build(keys, n, &blob, len), FLAGSHIP_OK);
    assert_int_equal(flagship_keys_verify(blob, *len), FLAGSHIP_OK);
    assert_int_equal(flagship_keys_n(blob), n);

    return blob;
}


static void
str_is(flagship_str_t s, const char *text)
{
    assert_int_equal(s.len, strlen(text));
    assert_memory_equal(s.data, text, s.len);
}


static void
a_key_comes_out_as_it_went_in(void **state)
{
    void            *blob;
    size_t           len;
    flagship_key_t   keys[4], key;

    keys[0] = a_key("zzzzzzzz", "acme", "prod", FLAGSHIP_ROLE_EDITOR, 0);
    keys[1] = a_key("operator1", "", "", FLAGSHIP_ROLE_OPERATOR, 1);
    keys[2] = a_key("aaaaaaaa", "acme", "", FLAGSHIP_ROLE_CLIENT, 2);
    keys[3] = a_key("aaaaaaaaa", "b", "", FLAGSHIP_ROLE_ADMIN, 3);
    keys[0].expires = 1800000000;
    keys[2].see_unexposed = 1;

    blob = blob_of(keys, 4, &len);

    assert_int_equal(flagship_keys_find(blob, unit_str("zzzzzzzz"), &key),
                     FLAGSHIP_OK);
    str_is(key.id, "zzzzzzzz");
    str_is(key.tenant, "acme");
    str_is(key.environment, "prod");
    assert_int_equal(key.role, FLAGSHIP_ROLE_EDITOR);
    assert_int_equal(key.expires, 1800000000);
    assert_int_equal(key.see_unexposed, 0);
    assert_memory_equal(key.hash, hashes[0], FLAGSHIP_KEY_HASH);

    assert_int_equal(flagship_keys_find(blob, unit_str("operator1"), &key),
                     FLAGSHIP_OK);
    str_is(key.tenant, "");
    str_is(key.environment, "");
    assert_int_equal(key.role, FLAGSHIP_ROLE_OPERATOR);
    assert_true(key.expires == FLAGSHIP_KEY_FOREVER);
    assert_memory_equal(key.hash, hashes[1], FLAGSHIP_KEY_HASH);

    assert_int_equal(flagship_keys_find(blob, unit_str("aaaaaaaa"), &key),
                     FLAGSHIP_OK);
    assert_int_equal(key.see_unexposed, 1);
    assert_memory_equal(key.hash, hashes[2], FLAGSHIP_KEY_HASH);

    assert_int_equal(flagship_keys_find(blob, unit_str("aaaaaaaaa"), &key),
                     FLAGSHIP_OK);
    str_is(key.tenant, "b");

    assert_int_equal(flagship_keys_find(blob, unit_str("aaaaaaa"), &key),
                     FLAGSHIP_DECLINED);
    assert_int_equal(flagship_keys_find(blob, unit_str(""), &key),
                     FLAGSHIP_DECLINED);

    flagship_keys_get(blob, 0, &key);
    str_is(key.id, "aaaaaaaa");
    flagship_keys_get(blob, 1, &key);
    str_is(key.id, "aaaaaaaaa");

    free(blob);
}


static void
no_keys_are_a_blob_too(void **state)
{
    void            *blob;
    size_t           len;
    flagship_key_t   key;

    blob = blob_of(NULL, 0, &len);

    assert_int_equal(flagship_keys_find(blob, unit_str("aaaaaaaa"), &key),
                     FLAGSHIP_DECLINED);

    free(blob);
}


static void
the_order_of_keys_makes_no_difference(void **state)
{
    void            *one, *two;
    size_t           len, length, i;
    flagship_key_t   keys[3], again[3];

    keys[0] = a_key("cccccccc", "acme", "", FLAGSHIP_ROLE_CLIENT, 0);
    keys[1] = a_key("aaaaaaaa", "acme", "", FLAGSHIP_ROLE_CLIENT, 1);
    keys[2] = a_key("bbbbbbbb", "acme", "", FLAGSHIP_ROLE_CLIENT, 2);

    for (i = 0; i < 3; i++) {
        again[i] = keys[2 - i];
    }

    one = blob_of(keys, 3, &len);
    two = blob_of(again, 3, &length);

    assert_int_equal(len, length);
    assert_memory_equal(one, two, len);

    free(one);
    free(two);
}


static void
keys_that_may_not_be_there_are_refused(void **state)
{
    void            *blob;
    size_t           i, len;
    char             text[257];
    flagship_key_t   keys[2];

    memset(text, 'a', 256);
    text[256] = '\0';

    for (i = 0; i < 8; i++) {
        keys[0] = a_key("aaaaaaaa", "acme", "", FLAGSHIP_ROLE_CLIENT, 0);

        switch (i) {
        case 0: keys[0].id = unit_str(""); break;
        case 1: keys[0].id = unit_str(text); break;
        case 2: keys[0].tenant = unit_str(text); break;
        case 3: keys[0].environment = unit_str(text); break;
        case 4: keys[0].role = FLAGSHIP_ROLE_NONE; break;
        case 5: keys[0].role = FLAGSHIP_ROLE_OPERATOR + 1; break;
        case 6: keys[0].tenant = unit_str(""); break;

        default:
            keys[0] = a_key("aaaaaaaa", "", "prod", FLAGSHIP_ROLE_OPERATOR, 0);
        }

        assert_non_null(flagship_key_refused(&keys[0]));
        assert_int_equal(flagship_keys_build(keys, 1, &blob, &len),
                         FLAGSHIP_DECLINED);
    }

    keys[0] = a_key("aaaaaaaa", "acme", "", FLAGSHIP_ROLE_CLIENT, 0);
    keys[1] = a_key("aaaaaaaa", "b", "", FLAGSHIP_ROLE_CLIENT, 1);

    assert_null(flagship_key_refused(&keys[0]));
    assert_int_equal(flagship_keys_build(keys, 2, &blob, &len),
                     FLAGSHIP_DECLINED);
}


static void
each_of_many_is_found(void **state)
{
    char           (*ids)[16];
    void            *blob;
    size_t           i, len;
    flagship_key_t  *keys, key;

    enum { MANY = 20000 };

    ids = calloc(MANY, sizeof(*ids));
    keys = calloc(MANY, sizeof(flagship_key_t));
    assert_non_null(ids);
    assert_non_null(keys);

    for (i = 0; i < MANY; i++) {
        snprintf(ids[i], sizeof(ids[i]), "key%08zu", i * 7919 % MANY);
        keys[i] = a_key(ids[i], "acme", "", FLAGSHIP_ROLE_CLIENT, i % 4);
    }

    blob = blob_of(keys, MANY, &len);

    for (i = 0; i < MANY; i++) {
        assert_int_equal(flagship_keys_find(blob, unit_str(ids[i]), &key),
                         FLAGSHIP_OK);
        str_is(key.id, ids[i]);
    }

    assert_int_equal(flagship_keys_find(blob, unit_str("key99999999"), &key),
                     FLAGSHIP_DECLINED);

    free(blob);
    free(keys);
    free(ids);
}


/* What the verifier lets through is read without a byte beyond. */

static void
read_all(const void *blob)
{
    size_t           i, k;
    unsigned         sum;
    flagship_str_t   names[3];
    flagship_key_t   key, found;

    sum = 0;

    for (i = 0; i < flagship_keys_n(blob); i++) {
        flagship_keys_get(blob, i, &key);

        names[0] = key.id;
        names[1] = key.tenant;
        names[2] = key.environment;

        for (k = 0; k < 3; k++) {
            for (size_t n = 0; n < names[k].len; n++) {
                sum += (unsigned char) names[k].data[n];
            }
        }

        for (k = 0; k < FLAGSHIP_KEY_HASH; k++) {
            sum += key.hash[k];
        }

        assert_int_equal(flagship_keys_find(blob, key.id, &found),
                         FLAGSHIP_OK);
        assert_in_range(key.role, FLAGSHIP_ROLE_CLIENT,
                        FLAGSHIP_ROLE_OPERATOR);
    }

    assert_int_equal(flagship_keys_find(blob, unit_str("nobody's"), &found),
                     FLAGSHIP_DECLINED);
    assert_true(sum != 1);
}


static void
a_blob_that_is_cut_or_changed_is_refused_or_harmless(void **state)
{
    void            *blob, *copy;
    size_t           len, i;
    unsigned         bit, taken, refused;
    flagship_key_t   keys[4];

    keys[0] = a_key("zzzzzzzz", "acme", "prod", FLAGSHIP_ROLE_EDITOR, 0);
    keys[1] = a_key("operator1", "", "", FLAGSHIP_ROLE_OPERATOR, 1);
    keys[2] = a_key("aaaaaaaa", "acme", "", FLAGSHIP_ROLE_CLIENT, 2);
    keys[3] = a_key("aaaaaaaaa", "b", "", FLAGSHIP_ROLE_ADMIN, 3);

    blob = blob_of(keys, 4, &len);

    for (i = 0; i < len; i++) {
        copy = unit_copy(blob, i);
        assert_int_equal(flagship_keys_verify(copy, i), FLAGSHIP_DECLINED);
        free(copy);
    }

    taken = 0;
    refused = 0;

    for (i = 0; i < len; i++) {
        for (bit = 0; bit < 8; bit++) {
            copy = unit_copy(blob, len);
            ((unsigned char *) copy)[i] ^= 1u << bit;

            if (flagship_keys_verify(copy, len) == FLAGSHIP_OK) {
                read_all(copy);
                taken++;

            } else {
                refused++;
            }

            free(copy);
        }
    }

    /* hashes and times may be anything, offsets and names may not */

    assert_true(taken >= 4 * (FLAGSHIP_KEY_HASH + 8) * 8);
    assert_true(refused > 500);

    free(blob);
}


static void
roles_have_names(void **state)
{
    assert_int_equal(flagship_role(unit_str("client")), FLAGSHIP_ROLE_CLIENT);
    assert_int_equal(flagship_role(unit_str("viewer")), FLAGSHIP_ROLE_VIEWER);
    assert_int_equal(flagship_role(unit_str("editor")), FLAGSHIP_ROLE_EDITOR);
    assert_int_equal(flagship_role(unit_str("admin")), FLAGSHIP_ROLE_ADMIN);
    assert_int_equal(flagship_role(unit_str("operator")),
                     FLAGSHIP_ROLE_OPERATOR);
    assert_int_equal(flagship_role(unit_str("none")), FLAGSHIP_ROLE_NONE);
    assert_int_equal(flagship_role(unit_str("Admin")), FLAGSHIP_ROLE_NONE);
    assert_int_equal(flagship_role(unit_str("")), FLAGSHIP_ROLE_NONE);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(a_key_comes_out_as_it_went_in),
        cmocka_unit_test(no_keys_are_a_blob_too),
        cmocka_unit_test(the_order_of_keys_makes_no_difference),
        cmocka_unit_test(keys_that_may_not_be_there_are_refused),
        cmocka_unit_test(each_of_many_is_found),
        cmocka_unit_test(a_blob_that_is_cut_or_changed_is_refused_or_harmless),
        cmocka_unit_test(roles_have_names)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
