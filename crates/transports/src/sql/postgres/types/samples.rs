//! Expressions of each family of types with the JSON they are, to be asked of a real server.

/// What must be there first. The samples of `hstore` and `citext` need [`EXTENSIONS`] besides.
pub(in super::super) const PREAMBLE: &str = r#"
    DROP SCHEMA IF EXISTS trunkline_samples CASCADE;
    CREATE SCHEMA trunkline_samples;
    SET search_path = trunkline_samples, public;
    CREATE TYPE mood AS ENUM ('happy', 'so "so", really');
    CREATE TYPE pair AS (id int4, label text);
    CREATE TYPE nested AS ("the pair" pair, pairs pair[], doc jsonb, at timestamptz);
    CREATE TYPE empty AS ();
    CREATE DOMAIN positive AS int4 CHECK (value > 0);
    CREATE DOMAIN positives AS positive[];
    CREATE DOMAIN document AS json;
    CREATE TYPE floats AS RANGE (subtype = float8);
    CREATE TABLE things (id int8, gone text, data bytea, amount numeric(10,2));
    ALTER TABLE things DROP COLUMN gone;
"#;

/// What some samples need and not every server can have.
pub(in super::super) const EXTENSIONS: &str =
    "CREATE EXTENSION IF NOT EXISTS hstore; CREATE EXTENSION IF NOT EXISTS citext";

/// Expression, its type as a map of columns has it, its JSON. What comes out is taken back as a parameter of the type, and is then the
/// same again.
#[rustfmt::skip]
pub(in super::super) const BOTH_WAYS: &[(&str, &str, &str)] = &[
    // Truth and numbers.
    ("true", "bool", "true"),
    ("false", "bool", "false"),
    ("(-32768)::int2", "int2", "-32768"),
    ("2147483647::int4", "int4", "2147483647"),
    ("0::int4", "int4", "0"),
    ("9007199254740991::int8", "int8", "9007199254740991"),
    ("9007199254740992::int8", "int8", r#""9007199254740992""#),
    ("9223372036854775807::int8", "int8", r#""9223372036854775807""#),
    ("(-9223372036854775808)::int8", "int8", r#""-9223372036854775808""#),
    ("1.10::numeric", "numeric", "1.10"),
    ("1.5::numeric(10,2)", "numeric(10,2)", "1.50"),
    ("'NaN'::numeric", "numeric", r#""NaN""#),
    ("'-Infinity'::numeric", "numeric", r#""-Infinity""#),
    ("123456789012345678901234567890.123::numeric", "numeric", r#""123456789012345678901234567890.123""#),
    ("1e-20::numeric", "numeric", "0.00000000000000000001"),
    ("0.1::float4", "float4", "0.1"),
    ("16777216::float4", "float4", "1.6777216e+07"),
    ("'Infinity'::float4", "float4", r#""Infinity""#),
    ("0.1::float8", "float8", "0.1"),
    ("1e308::float8", "float8", "1e+308"),
    ("5e-324::float8", "float8", "5e-324"),
    ("'-0'::float8", "float8", "-0"),
    ("0.1::float8 + 0.2::float8", "float8", "0.30000000000000004"),
    ("'NaN'::float8", "float8", r#""NaN""#),
    ("'-Infinity'::float8", "float8", r#""-Infinity""#),
    ("4294967295::oid", "oid", "4294967295"),
    ("'123'::xid", "xid", "123"),
    ("'124'::cid", "cid", "124"),
    ("'18446744073709551615'::xid8", "xid8", r#""18446744073709551615""#),
    ("'(1,2)'::tid", "tid", r#""(1,2)""#),
    ("1234.5::numeric::money", "money", r#""$1,234.50""#),
    // Text.
    ("'a \"b\" \\ ä'::text", "text", r#""a \"b\" \\ ä""#),
    ("''::text", "text", r#""""#),
    ("E'tab\\tline\\n'::text", "text", r#""tab\tline\n""#),
    ("U&'\\+01F600'::text", "text", r#""😀""#),
    ("'abc'::varchar(20)", "varchar(20)", r#""abc""#),
    ("'ab'::bpchar(4)", "bpchar(4)", r#""ab  ""#),
    ("'x'::\"char\"", "char", r#""x""#),
    ("'pg_class'::name", "name", r#""pg_class""#),
    ("'\\x'::bytea", "bytea", r#""""#),
    ("'\\x0061ff5c'::bytea", "bytea", r#""AGH/XA==""#),
    ("'<a b=\"1\">x</a>'::xml", "xml", r#""<a b=\"1\">x</a>""#),
    // JSON.
    ("'{\"b\": 1.10, \"a\": [null, 12345678901234567890]}'::jsonb", "jsonb", r#"{"a": [null, 12345678901234567890], "b": 1.10}"#),
    ("'{\"b\": 1.10,  \"b\": 2}'::json", "json", r#"{"b": 1.10,  "b": 2}"#),
    ("'\"a\"'::jsonb", "jsonb", r#""a""#),
    ("'1e2'::json", "json", "1e2"),
    ("'false'::jsonb", "jsonb", "false"),
    ("'$.a[*] ? (@ > 1)'::jsonpath", "jsonpath", r#""$.\"a\"[*]?(@ > 1)""#),
    // Times.
    ("'2024-02-29'::date", "date", r#""2024-02-29""#),
    ("'0044-03-15 BC'::date", "date", r#""0044-03-15 BC""#),
    ("'infinity'::date", "date", r#""infinity""#),
    ("'12024-01-02'::date", "date", r#""12024-01-02""#),
    ("'24:00'::time", "time", r#""24:00:00""#),
    ("'03:04:05.000001'::time", "time", r#""03:04:05.000001""#),
    ("'03:04:05+05:30'::timetz", "timetz", r#""03:04:05+05:30""#),
    ("'2024-01-02 03:04:05'::timestamp", "timestamp", r#""2024-01-02T03:04:05""#),
    ("'2024-01-02 03:04:05.123456'::timestamp", "timestamp", r#""2024-01-02T03:04:05.123456""#),
    ("'infinity'::timestamp", "timestamp", r#""infinity""#),
    ("'-infinity'::timestamptz", "timestamptz", r#""-infinity""#),
    ("'0044-03-15 12:00 BC'::timestamp", "timestamp", r#""0044-03-15 12:00:00 BC""#),
    ("'10000-01-01'::timestamp", "timestamp", r#""10000-01-01 00:00:00""#),
    ("'2024-01-02 03:04:05+02'::timestamptz", "timestamptz", r#""2024-01-02T01:04:05Z""#),
    ("'2024-01-02 03:04:05.5+05:30'::timestamptz", "timestamptz", r#""2024-01-01T21:34:05.5Z""#),
    ("'0044-03-15 12:00+00 BC'::timestamptz", "timestamptz", r#""0044-03-15 12:00:00+00 BC""#),
    ("'1 year 2 months 3 days 04:05:06.7'::interval", "interval", r#""P1Y2M3DT4H5M6.7S""#),
    ("'-1 day +02:03'::interval", "interval", r#""P-1DT2H3M""#),
    ("'0'::interval", "interval", r#""PT0S""#),
    // Other scalars.
    ("'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11'::uuid", "uuid", r#""a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11""#),
    ("'192.168.0.1/24'::inet", "inet", r#""192.168.0.1/24""#),
    ("'::1'::inet", "inet", r#""::1""#),
    ("'10.0.0.0/8'::cidr", "cidr", r#""10.0.0.0/8""#),
    ("'08-00-2b-01-02-03'::macaddr", "macaddr", r#""08:00:2b:01:02:03""#),
    ("'08:00:2b:01:02:03:04:05'::macaddr8", "macaddr8", r#""08:00:2b:01:02:03:04:05""#),
    ("B'1010'::bit(4)", "bit(4)", r#""1010""#),
    ("B''::varbit", "varbit", r#""""#),
    ("'16/B374D848'::pg_lsn", "pg_lsn", r#""16/B374D848""#),
    ("'10:20:10,14'::pg_snapshot", "pg_snapshot", r#""10:20:10,14""#),
    ("'10:20:10,14'::txid_snapshot", "txid_snapshot", r#""10:20:10,14""#),
    ("'pg_class'::regclass", "regclass", r#""pg_class""#),
    ("'int4'::regtype", "regtype", r#""integer""#),
    ("'now'::regproc", "regproc", r#""now""#),
    ("'abs(int4)'::regprocedure", "regprocedure", r#""abs(integer)""#),
    ("'+(int4,int4)'::regoperator", "regoperator", r#""+(integer,integer)""#),
    ("'pg_catalog'::regnamespace", "regnamespace", r#""pg_catalog""#),
    ("'pg_monitor'::regrole", "regrole", r#""pg_monitor""#),
    ("'||/'::regoper", "regoper", r#""||/""#),
    ("'english'::regconfig", "regconfig", r#""english""#),
    ("'simple'::regdictionary", "regdictionary", r#""simple""#),
    ("'\"C\"'::regcollation", "regcollation", r#""\"C\"""#),
    ("'=r/pg_monitor'::aclitem", "aclitem", r#""=r/pg_monitor""#),
    ("'a cursor'::refcursor", "refcursor", r#""a cursor""#),
    // Shapes and searches.
    ("'(1,2.5)'::point", "point", r#""(1,2.5)""#),
    ("'[(1,2),(3,4)]'::lseg", "lseg", r#""[(1,2),(3,4)]""#),
    ("'{1,-1,0}'::line", "line", r#""{1,-1,0}""#),
    ("'(2,2),(1,1)'::box", "box", r#""(2,2),(1,1)""#),
    ("'((1,1),(2,2))'::path", "path", r#""((1,1),(2,2))""#),
    ("'[(1,1),(2,2)]'::path", "path", r#""[(1,1),(2,2)]""#),
    ("'((1,1),(2,2),(3,1))'::polygon", "polygon", r#""((1,1),(2,2),(3,1))""#),
    ("'<(1,2),3>'::circle", "circle", r#""<(1,2),3>""#),
    ("'a fat cat:2A'::tsvector", "tsvector", r#""'a' 'cat':2A 'fat'""#),
    ("'fat & (rat | !cat)'::tsquery", "tsquery", r#""'fat' & ( 'rat' | !'cat' )""#),
    // Ranges.
    ("'[1,5]'::int4range", "int4range", r#""[1,6)""#),
    ("'empty'::int8range", "int8range", r#""empty""#),
    ("'(,2.50]'::numrange", "numrange", r#""(,2.50]""#),
    ("'[2024-01-01,2024-02-01)'::daterange", "daterange", r#""[2024-01-01,2024-02-01)""#),
    ("'[2024-01-01 00:00,infinity)'::tsrange", "tsrange", r#""[\"2024-01-01 00:00:00\",infinity)""#),
    ("'[2024-01-01 00:00+00,)'::tstzrange", "tstzrange", r#""[\"2024-01-01 00:00:00+00\",)""#),
    ("'[0.5,1]'::floats", "floats", r#""[0.5,1]""#),
    ("'{[1,3),[5,6)}'::int4multirange", "int4multirange", r#""{[1,3),[5,6)}""#),
    ("'{}'::nummultirange", "nummultirange", r#""{}""#),
    ("'{[2024-01-01,2024-01-03)}'::datemultirange", "datemultirange", r#""{[2024-01-01,2024-01-03)}""#),
    ("'{(,3),[5,)}'::int8multirange", "int8multirange", r#""{(,3),[5,)}""#),
    ("'{[2024-01-01,2024-01-02)}'::tsmultirange", "tsmultirange", r#""{[\"2024-01-01 00:00:00\",\"2024-01-02 00:00:00\")}""#),
    ("'{[2024-01-01 00:00+00,)}'::tstzmultirange", "tstzmultirange", r#""{[\"2024-01-01 00:00:00+00\",)}""#),
    // Arrays.
    ("'{}'::int4[]", "int4[]", "[]"),
    ("array[1,null,3]", "int4[]", "[1,null,3]"),
    ("array[[1,2],[3,4]]", "int4[]", "[[1,2],[3,4]]"),
    ("array[[[1],[2]],[[3],[4]]]", "int4[]", "[[[1],[2]],[[3],[4]]]"),
    ("'{{{{{{7}}}}}}'::int4[]", "int4[]", "[[[[[[7]]]]]]"),
    ("'[0:1]={1,2}'::int4[]", "int4[]", r#""[0:1]={1,2}""#),
    ("array[9223372036854775807,1]::int8[]", "int8[]", r#"["9223372036854775807",1]"#),
    ("array[true,false,null]", "bool[]", "[true,false,null]"),
    ("array['a b','','NULL',null,'c\"\\','{x}',',']", "text[]", r#"["a b","","NULL",null,"c\"\\","{x}",","]"#),
    ("array[['a','b'],['c',null]]", "text[]", r#"[["a","b"],["c",null]]"#),
    ("array[1.10,'NaN']::numeric[]", "numeric[]", r#"[1.10,"NaN"]"#),
    ("array['\\x61'::bytea,null]", "bytea[]", r#"["YQ==",null]"#),
    ("array['2024-01-02 03:04:05+00'::timestamptz]", "timestamptz[]", r#"["2024-01-02T03:04:05Z"]"#),
    ("array['{\"a\": [1, 2]}','[3]','\"s\"']::jsonb[]", "jsonb[]", r#"[{"a": [1, 2]},[3],"s"]"#),
    ("'{(2,2),(1,1);(4,4),(3,3)}'::box[]", "box[]", r#"["(2,2),(1,1)","(4,4),(3,3)"]"#),
    ("array['(1,2)'::point]", "point[]", r#"["(1,2)"]"#),
    ("array['[1,3)'::int4range]", "int4range[]", r#"["[1,3)"]"#),
    ("array['{[1,3)}'::int4multirange]", "int4multirange[]", r#"["{[1,3)}"]"#),
    ("'1 2 3'::int2vector", "int2vector", "[1,2,3]"),
    ("''::oidvector", "oidvector", "[]"),
    // Types of the database's own.
    ("'happy'::mood", "mood", r#""happy""#),
    ("array['so \"so\", really',null]::mood[]", "mood[]", r#"["so \"so\", really",null]"#),
    ("5::positive", "positive", "5"),
    ("'{1,2}'::positives", "positives", "[1,2]"),
    ("array['{1}','{2,3}']::positives[]", "positives[]", "[[1],[2,3]]"),
    ("'{\"a\":1.0}'::document", "document", r#"{"a":1.0}"#),
    ("row(1,'a \"b\", (c) \\')::pair", "pair", r#"{"id":1,"label":"a \"b\", (c) \\"}"#),
    ("row(null,'')::pair", "pair", r#"{"id":null,"label":""}"#),
    ("row(null,null)::pair", "pair", r#"{"id":null,"label":null}"#),
    ("array[row(1,'x')::pair,null]", "pair[]", r#"[{"id":1,"label":"x"},null]"#),
    (
        "row(row(1,'x'), array[row(2,'y \"z\"')::pair], '{\"k\": 1}', '2024-01-02 03:04:05+00')::nested",
        "nested",
        r#"{"the pair":{"id":1,"label":"x"},"pairs":[{"id":2,"label":"y \"z\""}],"doc":{"k": 1},"at":"2024-01-02T03:04:05Z"}"#,
    ),
    ("row()::empty", "empty", "{}"),
    ("row(1,'\\x61',2)::things", "things", r#"{"id":1,"data":"YQ==","amount":2.00}"#),
];

/// The same, of what no server takes as a parameter, or takes as something else.
#[rustfmt::skip]
pub(in super::super) const ONE_WAY: &[(&str, &str, &str)] = &[
    ("row(1,'a b',null)", "record", r#""(1,\"a b\",)""#),
    ("array[row(1,2)]", "record[]", r#"["(1,2)"]"#),
    ("E'{\"a\":\\n 1}'::json", "json", r#"{"a":  1}"#),
    ("'null'::jsonb", "jsonb", "null"),
    ("E'\"\\\\ud800\"'::json", "json", r#""\ud800""#),
];

/// The same both ways, with [`EXTENSIONS`].
pub(in super::super) const EXTENDED: &[(&str, &str, &str)] = &[
    ("'a=>\"b c\",d=>NULL'::hstore", "hstore", r#""\"a\"=>\"b c\", \"d\"=>NULL""#),
    ("'MiXed'::citext", "citext", r#""MiXed""#),
    ("array['MiXed']::citext[]", "citext[]", r#"["MiXed"]"#),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_sample_is_json_and_there_once() {
        let all = || BOTH_WAYS.iter().chain(ONE_WAY).chain(EXTENDED);
        for (expression, _, json) in all() {
            assert!(serde_json::from_str::<&serde_json::value::RawValue>(json).is_ok(), "{expression}");
            assert_eq!(all().filter(|sample| sample.0 == *expression).count(), 1, "{expression}");
        }
        assert!(all().any(|sample| PREAMBLE.contains(&format!("TYPE {} ", sample.1))));
        assert!(EXTENDED.iter().any(|sample| EXTENSIONS.contains(sample.1)));
    }
}
