-- Verify flagship:documents on pg

BEGIN;

DO $$
BEGIN
    ASSERT flagship.text_of('a"') = '"a\""' AND flagship.text_of(NULL) = 'null',
        'texts are not written as JSON';

    ASSERT flagship.replaced('{"a": 1}', '{ "a" : 1.0 }')::text = '{"a": 1}'
           AND flagship.replaced('[1]', '[2]')::text = '[2]',
        'a document is not kept as it should be';

    ASSERT flagship.merged('{"a": 1, "b": 2}', '{"c": 3, "a": null}')::text
           = '{"b": 2, "c": 3}',
        'objects are not merged as they should be';

    ASSERT has_function_privilege('flagship_admin',
               'flagship.merged(json, json)', 'EXECUTE')
           AND NOT has_function_privilege('flagship_metrics',
               'flagship.merged(json, json)', 'EXECUTE'),
        'the functions are not for whom they should be';
END $$;

ROLLBACK;
