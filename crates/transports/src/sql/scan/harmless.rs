//! What is known to do no harm: the keywords, types and built-in functions of all dialects that a parenthesis can follow,
//! and the words that say what a statement does. Lists of what is allowed; a function that is missing is only slower.
//!
//! One list serves all dialects, so a function of one's own in PostgreSQL that has the name of one of MySQL's is trusted.

/// What a call does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Effect {
    /// Nothing, and the answer follows from the arguments and the rows.
    None,
    /// Nothing, but the answer is another each time, or takes its time.
    Varies,
    /// It moves or reads a sequence.
    Sequence,
    /// Nobody here knows.
    Unknown,
}

/// What a call of `name` does, or what the keyword or type before a parenthesis does.
pub(super) fn effect(name: &str) -> Effect {
    if NONE.binary_search(&name).is_ok() {
        Effect::None
    } else if VARIES.binary_search(&name).is_ok() {
        Effect::Varies
    } else if SEQUENCE.contains(&name) {
        Effect::Sequence
    } else {
        Effect::Unknown
    }
}

/// First words of statements that only read, unless a word of [`WRITES`] is in them.
pub(super) const READS: &[&str] =
    &["select", "values", "table", "with", "show", "explain", "describe", "desc"];

/// First words of other statements that concern no session, unless a word of [`LEAVES`] is in them.
pub(super) const CLEAN: &[&str] =
    &["insert", "update", "delete", "merge", "replace", "create", "alter", "drop", "truncate"];

/// First words of statements that control transactions. `SET` and `PREPARE` need a look at what follows.
pub(super) const CONTROL: &[&str] =
    &["begin", "start", "commit", "end", "rollback", "abort", "savepoint", "release", "xa"];

/// Words that no statement holds, outside quotes and names after a dot, that only reads. `ANALYZE` makes `EXPLAIN` run
/// what it explains.
#[rustfmt::skip]
pub(super) const WRITES: &[&str] = &[
    "insert", "update", "delete", "merge", "replace", "into", "lock", "call", "do", "truncate", "create", "alter",
    "drop", "grant", "revoke", "copy", "set", "pragma", "execute", "analyze", "analyse", "procedure",
    "attach", "detach", "vacuum", "reindex", "refresh", "declare", "handler", "load", "prepare",
];

/// Words that leave something in a session, or may: temporary tables, prepared statements, cursors.
pub(super) const LEAVES: &[&str] = &["temp", "temporary", "prepare", "execute", "declare", "tablesample"];

/// Words that can stand before the `INTO` of a statement that inserts rows.
#[rustfmt::skip]
pub(super) const INSERTS: &[&str] = &[
    "insert", "merge", "replace", "ignore", "delayed", "low_priority", "high_priority", "abort", "fail", "rollback",
];

/// What asks for the time without parentheses.
#[rustfmt::skip]
pub(super) const CLOCKS: &[&str] = &[
    "current_timestamp", "current_date", "current_time", "localtime", "localtimestamp", "utc_date", "utc_time",
    "utc_timestamp", "sysdate",
];

/// Functions of SQLite that read the clock unless they are given a time.
pub(super) const TIMES: &[&str] =
    &["date", "time", "datetime", "julianday", "strftime", "unixepoch", "timediff"];

const SEQUENCE: &[&str] = &["nextval", "currval", "lastval", "setval", "last_insert_id"];

/// Functions without effect that answer differently each time. Sorted.
#[rustfmt::skip]
const VARIES: &[&str] = &[
    "benchmark", "changes", "clock_timestamp", "connection_id", "curdate", "current_date", "current_time",
    "current_timestamp", "curtime", "found_rows", "gen_random_bytes", "gen_random_uuid", "inet_client_addr",
    "inet_server_addr", "last_insert_rowid", "localtime", "localtimestamp", "now", "pg_backend_pid",
    "pg_current_wal_lsn", "pg_is_in_recovery", "pg_last_wal_replay_lsn", "pg_postmaster_start_time",
    "pg_sleep", "pg_sleep_for", "pg_sleep_until", "rand", "random", "random_bytes", "random_normal",
    "randomblob", "row_count", "sleep", "statement_timestamp", "sysdate", "timeofday", "total_changes",
    "transaction_timestamp", "txid_current_if_assigned", "unix_timestamp", "utc_date", "utc_time",
    "utc_timestamp", "uuid", "uuid_generate_v1", "uuid_generate_v1mc", "uuid_generate_v4", "uuid_short",
    "uuidv4", "uuidv7",
];

/// Keywords, types and functions without effect. Sorted.
#[rustfmt::skip]
const NONE: &[&str] = &[
    "abbrev", "abs", "acos", "acosd", "acosh", "adddate", "addtime", "against", "age", "all", "and", "any",
    "any_value", "area", "array", "array_agg", "array_append", "array_cat", "array_dims", "array_fill",
    "array_length", "array_lower", "array_ndims", "array_position", "array_positions", "array_prepend",
    "array_remove", "array_replace", "array_to_json", "array_to_string", "array_upper", "as", "asc", "ascii",
    "asin", "asind", "asinh", "at", "atan", "atan2", "atan2d", "atand", "atanh", "avg", "between", "bigint",
    "bin", "bin_to_uuid", "binary", "bit", "bit_and", "bit_count", "bit_length", "bit_or", "bit_xor", "blob",
    "bool", "bool_and", "bool_or", "boolean", "both", "box", "bpchar", "brin", "broadcast", "btree", "btrim",
    "by", "bytea", "cardinality", "case", "cast", "cbrt", "ceil", "ceiling", "center", "char", "char_length",
    "character", "character_length", "charset", "check", "chr", "circle", "coalesce", "coercibility",
    "col_description", "collate", "collation", "columns", "concat", "concat_ws", "conflict", "conv",
    "convert", "convert_from", "convert_to", "convert_tz", "corr", "cos", "cosd", "cosh", "cot", "cotd",
    "count", "covar_pop", "covar_samp", "crc32", "cross", "cube", "cume_dist", "current_database",
    "current_schema", "current_schemas", "current_user", "database", "date", "date_add", "date_bin",
    "date_diff", "date_format", "date_part", "date_sub", "date_trunc", "datediff", "daterange", "datetime",
    "day", "dayname", "dayofmonth", "dayofweek", "dayofyear", "decimal", "decode", "default", "degrees",
    "dense_rank", "desc", "diameter", "distinct", "div", "double", "else", "elt", "encode", "enum", "escape",
    "every", "except", "exists", "exp", "export_set", "extract", "factorial", "family", "field", "filter",
    "find_in_set", "first_value", "float", "float4", "float8", "floor", "following", "foreign", "format",
    "format_type", "from", "from_base64", "from_days", "from_unixtime", "full", "gcd", "generate_series",
    "generate_subscripts", "generated", "get_bit", "get_byte", "get_format", "gin", "gist", "glob",
    "greatest", "group", "group_concat", "grouping", "groups", "has_column_privilege",
    "has_database_privilege", "has_function_privilege", "has_schema_privilege", "has_table_privilege", "hash",
    "having", "hex", "host", "hostmask", "hour", "hstore_to_json", "if", "ifnull", "iif", "ilike", "in",
    "include", "inet6_aton", "inet6_ntoa", "inet_aton", "inet_ntoa", "initcap", "inner", "insert", "instr",
    "int", "int2", "int4", "int4range", "int8", "int8range", "integer", "intersect", "interval", "is",
    "is_ipv4", "is_ipv6", "is_normalized", "is_uuid", "isempty", "isfinite", "isnull", "join", "json",
    "json_agg", "json_array", "json_array_append", "json_array_elements", "json_array_elements_text",
    "json_array_insert", "json_array_length", "json_arrayagg", "json_build_array", "json_build_object",
    "json_contains", "json_contains_path", "json_depth", "json_each", "json_each_text", "json_error_position",
    "json_exists", "json_extract", "json_extract_path", "json_extract_path_text", "json_group_array",
    "json_group_object", "json_insert", "json_keys", "json_length", "json_merge", "json_merge_patch",
    "json_merge_preserve", "json_object", "json_object_agg", "json_object_keys", "json_objectagg",
    "json_overlaps", "json_patch", "json_populate_record", "json_populate_recordset", "json_pretty",
    "json_query", "json_quote", "json_remove", "json_replace", "json_scalar", "json_search", "json_serialize",
    "json_set", "json_strip_nulls", "json_table", "json_to_record", "json_to_recordset", "json_tree",
    "json_type", "json_typeof", "json_unquote", "json_valid", "json_value", "jsonb", "jsonb_agg",
    "jsonb_array_elements", "jsonb_array_elements_text", "jsonb_array_length", "jsonb_build_array",
    "jsonb_build_object", "jsonb_each", "jsonb_each_text", "jsonb_extract_path", "jsonb_extract_path_text",
    "jsonb_insert", "jsonb_object", "jsonb_object_agg", "jsonb_object_keys", "jsonb_path_exists",
    "jsonb_path_match", "jsonb_path_query", "jsonb_path_query_array", "jsonb_path_query_first",
    "jsonb_populate_record", "jsonb_populate_recordset", "jsonb_pretty", "jsonb_set", "jsonb_set_lax",
    "jsonb_strip_nulls", "jsonb_to_record", "jsonb_to_recordset", "jsonb_typeof", "julianday", "justify_days",
    "justify_hours", "justify_interval", "key", "lag", "last_day", "last_value", "lateral", "lcase", "lcm",
    "lead", "leading", "least", "left", "length", "like", "likelihood", "likely", "limit", "line", "ln",
    "locate", "log", "log10", "log2", "longblob", "longtext", "lower", "lower_inc", "lower_inf", "lpad",
    "lseg", "ltrim", "make_date", "make_interval", "make_set", "make_time", "make_timestamp",
    "make_timestamptz", "makedate", "maketime", "masklen", "match", "materialized", "max", "md5", "median",
    "mediumblob", "mediumint", "mediumtext", "microsecond", "mid", "min", "min_scale", "minute", "mod",
    "mode", "month", "monthname", "natural", "nchar", "netmask", "network", "normalize", "not", "notnull",
    "nth_value", "ntile", "nullif", "num_nonnulls", "num_nulls", "numeric", "numnode", "numrange", "nvarchar",
    "nvl", "nvl2", "obj_description", "oct", "octet_length", "offset", "on", "only", "or", "ord", "order",
    "ordinality", "outer", "over", "overlaps", "overlay", "parse_ident", "partition", "path", "percent_rank",
    "percentile_cont", "percentile_disc", "period_add", "period_diff", "pg_column_size", "pg_database_size",
    "pg_encoding_to_char", "pg_get_constraintdef", "pg_get_expr", "pg_get_functiondef", "pg_get_indexdef",
    "pg_get_serial_sequence", "pg_get_userbyid", "pg_get_viewdef", "pg_relation_size", "pg_size_pretty",
    "pg_table_is_visible", "pg_table_size", "pg_total_relation_size", "pg_typeof", "phraseto_tsquery", "pi",
    "plainto_tsquery", "point", "polygon", "position", "pow", "power", "preceding", "primary", "printf",
    "quarter", "querytree", "quote", "quote_ident", "quote_literal", "quote_nullable", "radians", "radius",
    "range", "range_agg", "range_intersect_agg", "range_merge", "rank", "real", "recursive", "references",
    "regexp", "regexp_count", "regexp_instr", "regexp_like", "regexp_match", "regexp_matches",
    "regexp_replace", "regexp_split_to_array", "regexp_split_to_table", "regexp_substr", "regr_avgx",
    "regr_avgy", "regr_count", "regr_intercept", "regr_r2", "regr_slope", "regr_sxx", "regr_sxy", "regr_syy",
    "repeat", "replace", "returning", "reverse", "right", "rlike", "rollup", "round", "row", "row_number",
    "row_to_json", "rows", "rpad", "rtrim", "scale", "schema", "sec_to_time", "second", "select",
    "session_user", "set", "set_bit", "set_byte", "setweight", "sha", "sha1", "sha2", "sha224", "sha256",
    "sha384", "sha512", "shobj_description", "sign", "signed", "similar", "sin", "sind", "sinh", "smallint",
    "some", "soundex", "space", "spgist", "split_part", "sqlite_version", "sqrt", "starts_with", "std",
    "stddev", "stddev_pop", "stddev_samp", "str_to_date", "strcmp", "strftime", "string_agg",
    "string_to_array", "string_to_table", "strip", "strpos", "subdate", "substr", "substring",
    "substring_index", "subtime", "sum", "symmetric", "tan", "tand", "tanh", "text", "then", "time",
    "time_format", "time_to_sec", "timediff", "timestamp", "timestampadd", "timestampdiff", "timestamptz",
    "timetz", "timezone", "tinyblob", "tinyint", "tinytext", "to", "to_ascii", "to_base64", "to_char",
    "to_date", "to_days", "to_hex", "to_json", "to_jsonb", "to_number", "to_regclass", "to_seconds",
    "to_timestamp", "to_tsquery", "to_tsvector", "total", "trailing", "translate", "trim", "trim_array",
    "trim_scale", "trunc", "truncate", "ts_headline", "ts_rank", "ts_rank_cd", "tsrange", "tstzrange",
    "tsvector_to_array", "typeof", "ucase", "unhex", "unicode", "union", "unique", "unistr", "unixepoch",
    "unlikely", "unnest", "unpivot", "unsigned", "upper", "upper_inc", "upper_inf", "user", "using",
    "uuid_to_bin", "value", "values", "var_pop", "var_samp", "varbinary", "varbit", "varchar", "variance",
    "varying", "version", "virtual", "websearch_to_tsquery", "week", "weekday", "weekofyear", "weight_string",
    "when", "where", "width_bucket", "window", "with", "within", "xmlagg", "xor", "year", "yearweek",
    "zeroblob",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_that_are_searched_are_sorted_and_share_nothing() {
        for list in [NONE, VARIES] {
            assert!(list.windows(2).all(|pair| pair[0] < pair[1]));
        }
        assert!(VARIES.iter().chain(SEQUENCE).all(|name| NONE.binary_search(name).is_err()));
    }
}
