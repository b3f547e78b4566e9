//! What must hold for any text.

use proptest::prelude::*;

use super::*;

fn dialects() -> impl Strategy<Value = Dialect> {
    proptest::sample::select(&ALL[..])
}

/// Texts of what SQL is made of, in any order.
fn texts() -> impl Strategy<Value = String> {
    const PARTS: &[&str] = &[
        "'",
        "\"",
        "`",
        "[",
        "]",
        "\\",
        ";",
        ":",
        "::",
        ":=",
        ":a",
        ":b1",
        "$",
        "$$",
        "$t$",
        "$1",
        "?",
        "?1",
        "@",
        "@@",
        "#",
        "--",
        "-- ",
        "\n",
        "\r",
        " ",
        "/*",
        "*/",
        "/*!",
        "/*M!",
        "50000",
        "e",
        "E'",
        "U&'",
        "select",
        "into",
        "ö",
        "\u{301}",
        "(",
        ")",
        ".",
        "1",
        "1.",
        "pg_catalog",
        "lower",
        "x",
        "*",
        "/",
        "-",
        "set",
        "begin",
    ];
    proptest::collection::vec(proptest::sample::select(PARTS).prop_map(str::to_owned), 0..24)
        .prop_map(|parts| parts.concat())
}

proptest! {
    #[test]
    fn any_text_is_scanned_or_refused(sql in any::<String>(), dialect in dialects()) {
        let _ = scan(&sql, dialect);
    }

    #[test]
    fn without_names_a_text_stays_and_its_pieces_hold_all_its_code(sql in texts(), dialect in dialects()) {
        if let Ok(found) = scan(&sql, dialect) {
            let named = found.params.iter().any(|param| matches!(param, Param::Named(_)));
            if !named && !sql.contains("\\:") {
                prop_assert_eq!(&found.text, &sql);
            }
            let mut at = 0;
            for piece in &found.pieces {
                prop_assert!(piece.start >= at && piece.end > piece.start);
                prop_assert_eq!(found.text[piece.clone()].trim_ascii_start(), &found.text[piece.clone()]);
                prop_assert_eq!(scan(&found.text[at..piece.start], dialect).unwrap().statements, 0);
                at = piece.end;
            }
            prop_assert_eq!(scan(&found.text[at..], dialect).unwrap().statements, 0);
        }
    }

    /// What was replaced means for the engine what it meant for the scanner: nothing fused, opened or closed.
    #[test]
    fn what_comes_out_has_the_same_statements_when_it_is_scanned_again(sql in texts(), dialect in dialects()) {
        if let Ok(found) = scan(&sql, dialect) {
            let Ok(again) = scan(&found.text, dialect) else {
                // An escaped colon stays one only once.
                prop_assert!(sql.contains("\\:"), "{}", found.text);
                return Ok(());
            };
            if !sql.contains("\\:") {
                prop_assert_eq!(&again.text, &found.text);
                prop_assert_eq!(again.pieces, found.pieces);
                prop_assert_eq!(again.params.len(), found.params.len());
                prop_assert_eq!(again.facts, found.facts);
            }
        }
    }

    #[test]
    fn a_literal_is_kept_byte_for_byte(inner in "[^\0]*", dialect in dialects()) {
        let mut quoted = inner.replace('\'', "''");
        if dialect == MySql {
            quoted = quoted.replace('\\', "\\\\");
        }
        let found = scan(&format!("select '{quoted}', :a"), dialect).unwrap();
        let mark = match dialect { Postgres => "$1", MySql => "?", Sqlite => "?1" };
        prop_assert_eq!(found.text, format!("select '{quoted}', {mark}"));
        prop_assert_eq!(found.statements, 1);
        prop_assert!(found.facts.reads);
    }
}
