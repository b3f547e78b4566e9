//! Tables of what each dialect's scanner makes of a text.

mod any;
mod facts;

use trunkline_core::Kind;

use super::{
    Dialect::{self, MySql, Postgres, Sqlite},
    Param, Scanned, scan,
};

const ALL: [Dialect; 3] = [Postgres, MySql, Sqlite];

fn scanned(sql: &str, dialect: Dialect) -> Scanned {
    scan(sql, dialect).unwrap_or_else(|error| panic!("{dialect:?} {sql}: {error}"))
}

fn pieces(sql: &str, dialect: Dialect) -> Vec<String> {
    let scanned = scanned(sql, dialect);
    assert_eq!(scanned.statements, scanned.pieces.len());
    scanned.pieces.iter().map(|piece| scanned.text[piece.clone()].to_owned()).collect()
}

/// Parameters as words: names, or `#` and the position.
fn params(scanned: &Scanned) -> String {
    let word = |param: &Param| match param {
        Param::Named(name) => name.to_string(),
        Param::Position(at) => format!("#{at}"),
    };
    scanned.params.iter().map(word).collect::<Vec<_>>().join(" ")
}

/// Text, what becomes of it, and its parameters.
fn replaced(dialect: Dialect, rows: &[(&str, &str, &str)]) {
    for (sql, text, expected) in rows {
        let found = scanned(sql, dialect);
        assert_eq!((&*found.text, &*params(&found)), (*text, *expected), "{dialect:?} {sql}");
    }
}

/// Texts that come out as they went in, as one statement without parameters.
fn untouched(dialect: Dialect, rows: &[&str]) {
    for sql in rows {
        let found = scanned(sql, dialect);
        assert_eq!((&*found.text, found.statements, &*params(&found)), (*sql, 1, ""), "{dialect:?}");
    }
}

fn refused(dialect: Dialect, rows: &[(&str, &str)]) {
    for (sql, expected) in rows {
        let error = match scan(sql, dialect) {
            Ok(found) => panic!("{dialect:?} {sql} gave {found:?}"),
            Err(error) => error,
        };
        assert_eq!(error.kind(), Kind::InvalidConfig);
        assert!(error.message().contains(expected), "{dialect:?} {sql}: {error}");
    }
}

#[test]
fn postgres_binds_each_name_once() {
    replaced(
        Postgres,
        &[
            ("select :a", "select $1", "a"),
            ("select :a, :b, :a", "select $1, $2, $1", "a b"),
            ("select :a::int", "select $1::int", "a"),
            ("select '1'::int, :a", "select '1'::int, $1", "a"),
            ("select (:a)", "select ($1)", "a"),
            ("select x=:a", "select x=$1", "a"),
            ("select :größe_1", "select $1", "größe_1"),
            ("select :_", "select $1", "_"),
            ("select a[1:2], a[:n]", "select a[1:2], a[$1]", "n"),
            ("select a[:lo : :hi]", "select a[$1 : $2]", "lo hi"),
            ("select a[1:n]", "select a[1:n]", ""),
            ("select a[i:n]", "select a[i:n]", ""),
            (r"select '{}'\:\:jsonb, :x", "select '{}'::jsonb, $1", "x"),
            (r"select a[2\:n]", "select a[2:n]", ""),
            (r"select \:a", "select :a", ""),
            ("select f(x := :a)", "select f(x := $1)", "a"),
            ("select d ? 'k', d ?| :keys", "select d ? 'k', d ?| $1", "keys"),
            ("select :e'x'", "select $1'x'", "e"),
            ("select :e'\\'; delete from t --'", "select $1'\\'; delete from t --'", "e"),
            ("select :a$$;:b$$", "select $1$$;:b$$", "a"),
            ("select $2, $1, $2", "select $2, $1, $2", "#0 #1"),
            ("select $1$$;$$", "select $1$$;$$", "#0"),
            ("select :a; select :b", "select $1; select $2", "a b"),
        ],
    );
}

#[test]
fn mysql_binds_a_repeated_name_again() {
    replaced(
        MySql,
        &[
            ("select :a, :b, :a", "select ?, ?, ?", "a b a"),
            ("select @x := :a", "select @x := ?", "a"),
            ("select @x:=1", "select @x:=1", ""),
            (r"select @x\:=1", "select @x:=1", ""),
            ("select ?, ?", "select ?, ?", "#0 #1"),
            ("select a--:b", "select a--?", "b"),
            ("select `:a`, ':b', \":c\", :d", "select `:a`, ':b', \":c\", ?", "d"),
            ("select 1 # :a\n, :b", "select 1 # :a\n, ?", "b"),
            ("l:loop", "l:loop", ""),
            ("select a$:b", "select a$:b", ""),
            ("select /* :x */ /*+ :y */ :a", "select /* :x */ /*+ :y */ ?", "a"),
        ],
    );
}

#[test]
fn sqlite_numbers_names() {
    replaced(
        Sqlite,
        &[
            ("select :a, :b, :a", "select ?1, ?2, ?1", "a b"),
            ("select a:b", "select a?1", "b"),
            ("select ?, ?", "select ?, ?", "#0 #1"),
            ("select ?2, ?", "select ?2, ?", "#0 #1 #2"),
            ("select ?1, ?1", "select ?1, ?1", "#0"),
            ("select [:a], `:b`, \":c\", ':d', :e", "select [:a], `:b`, \":c\", ':d', ?1", "e"),
            ("select :a /* :b", "select ?1 /* :b", "a"),
        ],
    );
}

#[test]
fn what_is_quoted_or_a_comment_is_not_looked_into() {
    for dialect in ALL {
        untouched(
            dialect,
            &[
                "select 'a;b'",
                "select 'it''s; :a ?'",
                "select ''';'",
                "select '' ';'",
                "select 1 -- ; drop :a ? $1",
                "select 1 -- ;\n+ 1",
                "select 1 /* ; :a ' \" */ + 1",
                "select \"a\"\";b\"",
                "select \"';\"",
                "select '\";'",
                "select '--', ';'",
                "select '/*', ';*/'",
                "select 1;",
                "select 1 ; ; -- x",
                "/* ; */ select 1",
                "select 1 /**/ /***/ /*/;*/",
                "select x'3b', b'1'",
                "select 1-1, 3/2*1",
                "select 'größe;'",
            ],
        );
    }
    untouched(
        Postgres,
        &[
            "select $$;$$",
            "select $a$ $$ ; $b$ :x $a$",
            "select $a$;$b$a$",
            "select $a$ $b$a$",
            "select $größe$;$größe$",
            "select a$b$, 1",
            "select a$$, 1",
            "select 1$$;$$",
            r"select e'\'; x'",
            r"select E'\\', ';'",
            r"select E'\\\';'",
            r"select e''';'",
            "select e'a'\n'\\';'",
            "select e'a' -- c\n -- d\n '\\';'",
            r"select U&'\', ';'",
            r#"select U&"\"";""#,
            r"select '\', ';'",
            r"select n'\', ';'",
            r"select 1e'\';'",
            r"select 1e5, '\', ';'",
            "select 1 /* /* ; */ ; */",
            "select 1 /*/*/;*/*/",
            "select 1 /* -- */ + 1",
            "select '{}'::jsonb ? 'a'",
            "select @ -5, 5 # 3, a @> b, a ?& b",
            "select 1 -- x\r+ 1",
            "select 1 --- ;",
            "select 1 +-- ;\n 2",
        ],
    );
    untouched(
        MySql,
        &[
            r"select '\'; delete'",
            r#"select "\"; delete""#,
            r"select '\\', ';'",
            r"select 'a\''';'",
            r"select _utf8'\';'",
            r"select n'\';'",
            "select `a``;b`",
            r"select `\`, ';'",
            "select 1 # ; '",
            "select 1 --\t;",
            "select 1 --\u{1};",
            "select 1 --",
            "select 1--1, ';'",
            "select 1 --- ;",
            "select 1 -- x\r;",
            "select 1 /* /* ; */ + 1",
            "select 1 /*+ ; */",
            "select /*! 1 */",
            "select /*!50000 1, 2**/",
            "select /*M!100100 1 */",
            "select /*! ';' */ 1",
            "select @a, @`b;`, @'c;', @@version",
            "select a$b",
        ],
    );
    untouched(
        Sqlite,
        &[
            "select [a;b]",
            "select [a[;]",
            "select ['], ';'",
            "select `a``;b`",
            r"select '\', ';'",
            r#"select "\", ';'"#,
            "select 1 /* /* ; */ + 1",
            "select 1 /* ;",
            "select 1 --",
            "select 1 -- x\r;",
        ],
    );
}

#[test]
fn a_semicolon_in_code_separates() {
    let rows: &[(Dialect, &str, &[&str])] = &[
        (Postgres, "", &[]),
        (Postgres, " ;; -- x\n ; /* ; */ ", &[]),
        (Postgres, " select 1 ; select 2; ", &["select 1", "select 2"]),
        (Postgres, "/* a */ select 1 /* b */; -- c", &["/* a */ select 1 /* b */"]),
        (Postgres, "select :abc;select :abc", &["select $1", "select $1"]),
        (Postgres, r"select '\';drop table t --'", &[r"select '\'", "drop table t --'"]),
        (Postgres, "select 1 -- x\r;drop table t", &["select 1 -- x", "drop table t"]),
        (Postgres, "select 'a'\n'\\';drop table t --'", &["select 'a'\n'\\'", "drop table t --'"]),
        (Postgres, "select e'a' '\\';x --'", &["select e'a' '\\'", "x --'"]),
        (Postgres, "select ae'\\';x --'", &["select ae'\\'", "x --'"]),
        (Postgres, "select 1 /* /* */ */;x", &["select 1 /* /* */ */", "x"]),
        (Postgres, "select a$b$;x$b$", &["select a$b$", "x$b$"]),
        (Postgres, "select $a$ $A$ ; $a$;x", &["select $a$ $A$ ; $a$", "x"]),
        (Postgres, "select a[1;2]", &["select a[1", "2]"]),
        (MySql, "select 1--;x", &["select 1--", "x"]),
        (MySql, "select 1 /* /* */;x", &["select 1 /* /* */", "x"]),
        (MySql, r"select '\\';x", &[r"select '\\'", "x"]),
        (MySql, r"select `\`;x", &[r"select `\`", "x"]),
        (MySql, "select $$;$$", &["select $$", "$$"]),
        (MySql, "select /*! 1 */;x", &["select /*! 1 */", "x"]),
        (MySql, "select /*! '\\'' */;x", &["select /*! '\\'' */", "x"]),
        (MySql, "select a[1;2]", &["select a[1", "2]"]),
        (Sqlite, "select [a];x]", &["select [a]", "x]"]),
        (Sqlite, r"select '\';x --'", &[r"select '\'", "x --'"]),
        (Sqlite, "select e'\\';x --'", &["select e'\\'", "x --'"]),
        (Sqlite, "select 1 /* /* */;x", &["select 1 /* /* */", "x"]),
        (Sqlite, "/*!50000 ; */ select 1;x", &["/*!50000 ; */ select 1", "x"]),
    ];
    for (dialect, sql, expected) in rows {
        assert_eq!(pieces(sql, *dialect), *expected, "{dialect:?} {sql}");
    }
}

#[test]
fn what_is_open_or_ambiguous_is_refused() {
    for dialect in ALL {
        refused(
            dialect,
            &[
                ("select 'a", "line 1, column 8 of the statement: a string literal that is not closed"),
                ("select\n  'it''s", "line 2, column 3"),
                ("select 'ö', \"a", "column 13 of the statement: a double quote"),
                ("select 1\0", "a NUL byte"),
                ("select '\0'", "a NUL byte"),
            ],
        );
    }
    refused(
        Postgres,
        &[
            ("select $$a", "a dollar quote that is not closed"),
            ("select $a$ $A$ $$", "a dollar quote"),
            ("select $:a $$ ; drop table t; $$", "a `$` that begins neither"),
            ("select :a$b", "a `$` that begins neither"),
            ("select $", "a `$` that begins neither"),
            (r"select e'\'", "a string literal"),
            (r"select e'a\", "a string literal"),
            ("select e'a'\n'\\'", "a string literal"),
            ("select /* /* */", "a comment that is not closed"),
            ("select /*/", "a comment"),
            ("select :a, $1", "use one kind"),
            ("select $1, :a", "use one kind"),
            ("select $0", "a parameter beyond"),
            ("select $65536", "a parameter beyond"),
            ("select $99999999999999999999999", "a parameter beyond"),
        ],
    );
    refused(
        MySql,
        &[
            (r"select '\'", "a string literal"),
            ("select `a", "a quoted identifier"),
            ("select /* a", "a comment"),
            ("select /*! 1", "an executable comment that is not closed"),
            ("select 1 /*!50000 ; delete from t */", "write it as a statement of its own"),
            ("select 1 /*M!50000 ; delete from t */", "write it as a statement of its own"),
            ("select 1 /*!99999 ' */ ; delete from t; -- '", "only some servers count"),
            ("select 1 /*!99999 # */ ; delete from t\n*/", "only some servers count"),
            ("select 1 /*!99999 -- */ ; delete from t\n*/", "only some servers count"),
            ("select 1 /*!99999 /* */ ; delete from t */", "with a comment in it"),
            ("select 1 /*!99999 `*/;`*/", "only some servers count"),
            ("select /*! :a */ 1", "a parameter in an executable comment"),
            ("select /*! ? */ 1", "a parameter in an executable comment"),
            ("select ?, :a", "use one kind"),
        ],
    );
    refused(
        Sqlite,
        &[
            ("select [a", "a quoted identifier"),
            ("select `a", "a quoted identifier"),
            ("select $a", "write it as `:name`"),
            ("select @a", "write it as `:name`"),
            ("select #a", "write it as `:name`"),
            ("select :a$b", "write it as `:name`"),
            ("select :1", "a colon without a name"),
            ("select ::a", "a colon without a name"),
            ("select :a::b", "a colon without a name"),
            ("select ?0", "a parameter beyond"),
            ("select ?32767", "a parameter beyond"),
            ("select ?1, :a", "use one kind"),
        ],
    );
}
