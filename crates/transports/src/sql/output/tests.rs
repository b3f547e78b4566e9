//! What is written, how caps cut, and how lines go out.

use serde_json::{Value, json};

use super::*;

fn header(names: &[&str]) -> Arc<Header> {
    Arc::new(Header::new(names.iter().map(|name| (*name, "int4"))))
}

/// Writes rows of numbers that count on, until it is enough.
fn write(output: &mut Output, columns: usize, rows: usize) {
    for n in 0..rows {
        if !output.row() {
            break;
        }
        for column in 0..columns {
            json::integer(output.cell(), (n * columns + column) as i64);
        }
        if output.end_row() == Flow::Enough {
            break;
        }
    }
}

fn document(wanted: Wanted, names: &[&str], rows: usize) -> Value {
    let mut output = Output::document(wanted, false);
    output.begin(&header(names));
    write(&mut output, names.len(), rows);
    output.end(Done::default());
    serde_json::from_slice(&output.finish()).unwrap()
}

#[test]
fn a_document_has_columns_rows_and_what_was_done() {
    assert_eq!(
        document(Wanted::default(), &["a", "b"], 2),
        json!({
            "columns": [{"name": "a", "type": "int4"}, {"name": "b", "type": "int4"}],
            "rows": [{"a": 0, "b": 1}, {"a": 2, "b": 3}],
            "row_count": 2, "affected_rows": null, "truncated": null,
        })
    );
    assert_eq!(document(Wanted::default(), &[], 1)["rows"], json!([{}]));
    let arrays = Wanted { arrays: true, ..Wanted::default() };
    assert_eq!(document(arrays, &["a", "b"], 2)["rows"], json!([[0, 1], [2, 3]]));
    assert_eq!(document(arrays, &[], 1)["rows"], json!([[]]));
}

#[test]
fn columns_of_one_name_keep_their_values() {
    let found = document(Wanted::default(), &["id", "id", "id_2", "id", ""], 1);
    assert_eq!(found["rows"], json!([{"id": 0, "id_3": 1, "id_2": 2, "id_4": 3, "": 4}]));
    assert_eq!(found["columns"][1], json!({"name": "id", "key": "id_3", "type": "int4"}));
    let found = document(Wanted::default(), &["?column?"; 4096], 1);
    assert_eq!(found["rows"][0].as_object().unwrap().len(), 4096);
}

#[test]
fn a_cap_cuts_and_says_so_and_what_fits_exactly_is_not_cut() {
    let rows = |max| document(Wanted { max_rows: Some(max), ..Wanted::default() }, &["a"], 3);
    assert_eq!((rows(3)["row_count"].clone(), rows(3)["truncated"].clone()), (json!(3), Value::Null));
    assert_eq!((rows(2)["row_count"].clone(), rows(2)["truncated"].clone()), (json!(2), json!("max_rows")));
    assert_eq!(rows(0)["rows"], json!([]));
    let bytes = document(Wanted { max_bytes: Some(60), ..Wanted::default() }, &["a"], 100);
    assert_eq!(bytes["truncated"], "max_bytes");
    assert!(bytes["row_count"].as_u64().unwrap() > 0 && bytes["rows"].as_array().unwrap().len() < 10);
}

#[test]
fn several_statements_share_the_caps_and_are_in_a_list() {
    let mut output = Output::document(Wanted { max_rows: Some(3), ..Wanted::default() }, true);
    for _ in 0..2 {
        output.begin(&header(&["a"]));
        write(&mut output, 1, 2);
        output.end(Done { affected: Some(2), last_id: Some(7) });
    }
    let found: Value = serde_json::from_slice(&output.finish()).unwrap();
    let counts =
        |n: usize| (found["results"][n]["row_count"].as_u64(), found["results"][n]["truncated"].as_str());
    assert_eq!((counts(0), counts(1)), ((Some(2), None), (Some(1), Some("max_rows"))));
    assert_eq!(found["results"][1]["last_insert_id"], 7);
    let mut output = Output::document(Wanted { max_rows: Some(1), ..Wanted::default() }, true);
    for rows in [2, 0, 1] {
        output.begin(&header(&["a"]));
        write(&mut output, 1, rows);
        output.end(Done::default());
    }
    let found: Value = serde_json::from_slice(&output.finish()).unwrap();
    let cut = |n: usize| found["results"][n]["truncated"].as_str();
    assert_eq!((cut(0), cut(1), cut(2)), (Some("max_rows"), None, Some("max_rows")));
    assert_eq!(Output::document(Wanted::default(), true).finish(), r#"{"results":[]}"#);
}

#[tokio::test]
async fn lines_go_out_as_they_come_and_no_faster_than_they_are_taken() {
    let (pipe, mut pieces) = mpsc::channel(1);
    let mut output = Output::lines(Wanted::default(), false, pipe);
    output.begin(&header(&["a"]));
    let mut flushed = 0;
    for n in 0..10_000 {
        assert!(output.row());
        json::integer(output.cell(), n);
        if output.end_row() == Flow::Flush {
            if flushed == 1 {
                // Nobody has taken the first piece.
                assert!(futures_util::poll!(Box::pin(output.flush())).is_pending());
                break;
            }
            output.flush().await.unwrap();
            flushed += 1;
        }
    }
    let piece = pieces.recv().await.unwrap();
    let mut lines = piece.split(|byte| *byte == b'\n');
    assert_eq!(lines.next().unwrap(), br#"{"columns":[{"name":"a","type":"int4"}]}"#);
    assert_eq!(lines.next().unwrap(), br#"{"row":{"a":0}}"#);
    drop(pieces);
    output.flush().await.unwrap_err();
}
