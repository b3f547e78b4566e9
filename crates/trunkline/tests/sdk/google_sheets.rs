//! Actions of Google Sheets against Google's SDK.

use serde_json::json;

use crate::Sdk;

#[tokio::test]
async fn sdk_of_google_sheets_sends_the_same() {
    let id = "1BxiMVs0XRA5nFMdKvBdBZjgmUUqptlbs74OgvE2upms";
    let values = json!([["Item", "Cost"], ["Wheel", 20.5], [null, true]]);
    let update = json!({
        "spreadsheet_id": id, "range": "'Größe & Co'!A1:B3", "values": values, "major_dimension": "ROWS", "include_values": true,
    });
    let append = json!({
        "spreadsheet_id": id, "range": "Sheet1!A1", "values": values, "insert_data_option": "INSERT_ROWS",
        "value_input_option": "RAW", "include_values": false,
    });
    let replace = json!({
        "spreadsheet_id": id, "find": "^a", "replacement": "", "sheet_id": 0, "match_case": true, "match_entire_cell": false,
        "search_by_regex": true,
    });
    let rows = json!({"spreadsheet_id": id, "sheet_id": 0, "start": 1, "end": 3});
    let resize = json!([{"autoResizeDimensions": {"dimensions": {"sheetId": 0, "dimension": "COLUMNS"}}}]);
    let calls = [
        ("create_spreadsheet", json!({"title": "Budget"})),
        (
            "create_spreadsheet",
            json!({"title": "Budget", "locale": "de_DE", "time_zone": "Europe/Berlin", "sheets": [{"properties": {"title": "2026"}}]}),
        ),
        ("get_spreadsheet", json!({"spreadsheet_id": id})),
        (
            "get_spreadsheet",
            json!({"spreadsheet_id": id, "ranges": ["A1:B2", "Sheet2!A1"], "include_grid_data": true, "fields": "sheets.properties"}),
        ),
        ("get_values", json!({"spreadsheet_id": id, "range": "Sheet1!A1:D5"})),
        (
            "get_values",
            json!({"spreadsheet_id": id, "range": "A", "major_dimension": "COLUMNS", "value_render_option": "FORMULA", "date_time_render_option": "FORMATTED_STRING"}),
        ),
        (
            "batch_get_values",
            json!({"spreadsheet_id": id, "ranges": ["A1:B2", "Sheet2!A1"], "major_dimension": "ROWS"}),
        ),
        ("update_values", update),
        ("batch_update_values", json!({"spreadsheet_id": id, "data": [{"range": "A1", "values": values}]})),
        ("append_values", append),
        ("append_values", json!({"spreadsheet_id": id, "range": "Sheet1", "values": values})),
        ("clear_values", json!({"spreadsheet_id": id, "range": "Sheet1!A1:D5"})),
        ("batch_clear_values", json!({"spreadsheet_id": id, "ranges": ["A1", "B2"]})),
        ("add_sheet", json!({"spreadsheet_id": id, "title": "2027", "index": 0})),
        ("rename_sheet", json!({"spreadsheet_id": id, "sheet_id": 7, "title": "2028"})),
        ("delete_sheet", json!({"spreadsheet_id": id, "sheet_id": 7})),
        ("copy_sheet", json!({"spreadsheet_id": id, "sheet_id": 7, "destination_spreadsheet_id": "x"})),
        ("insert_rows", rows.clone()),
        ("delete_rows", rows),
        ("find_replace", replace),
        ("find_replace", json!({"spreadsheet_id": id, "find": "a", "replacement": "b"})),
        ("batch_update", json!({"spreadsheet_id": id, "requests": resize, "include_spreadsheet": true})),
    ];
    let sdk = Sdk {
        vendor: "google_sheets",
        inputs: json!({
            "client_email": "robot@acme.iam.gserviceaccount.com",
            "private_key": include_str!("../../../auth/src/jose/keys/rsa.pkcs8.pem"),
        }),
        // JSON is what is answered without asking, too.
        adjust: |theirs| theirs.query.retain(|(name, value)| !(name == "alt" && value == "json")),
    };
    sdk.compare(&calls).await;
}
