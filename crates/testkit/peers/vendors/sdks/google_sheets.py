"""What Google's SDK does for each action."""

from google.oauth2.credentials import Credentials
from googleapiclient.discovery import build


def calls(origin, inputs):
    service = build("sheets", "v4", credentials=Credentials("token"), client_options={"api_endpoint": origin})
    sheets, values = service.spreadsheets(), service.spreadsheets().values()
    entered = lambda i: i.get("value_input_option", "USER_ENTERED")

    def of(i, **names):
        """What of the input is there, in Google's names."""
        return {theirs: i[ours] for ours, theirs in names.items() if ours in i}

    id = lambda i: of(i, spreadsheet_id="spreadsheetId")
    where = lambda i: of(i, spreadsheet_id="spreadsheetId", range="range")
    block = lambda i: of(i, major_dimension="majorDimension", values="values")
    read = dict(
        major_dimension="majorDimension",
        value_render_option="valueRenderOption",
        date_time_render_option="dateTimeRenderOption",
    )

    def one(request):
        """A batch of one request."""
        return lambda i: sheets.batchUpdate(**id(i), body={"requests": [request(i)]})

    rows = lambda i: {"sheetId": i["sheet_id"], "dimension": "ROWS", "startIndex": i["start"], "endIndex": i["end"]}
    found = dict(
        find="find",
        replacement="replacement",
        sheet_id="sheetId",
        match_case="matchCase",
        match_entire_cell="matchEntireCell",
        search_by_regex="searchByRegex",
    )
    everywhere = lambda i: {} if "sheet_id" in i else {"allSheets": True}
    made = {
        "create_spreadsheet": lambda i: sheets.create(
            body={"properties": of(i, title="title", locale="locale", time_zone="timeZone")} | of(i, sheets="sheets")
        ),
        "get_spreadsheet": lambda i: sheets.get(
            **id(i), **of(i, ranges="ranges", include_grid_data="includeGridData", fields="fields")
        ),
        "get_values": lambda i: values.get(**where(i), **of(i, **read)),
        "batch_get_values": lambda i: values.batchGet(**id(i), **of(i, ranges="ranges", **read)),
        "update_values": lambda i: values.update(
            **where(i),
            valueInputOption=entered(i),
            **of(i, include_values="includeValuesInResponse"),
            body=block(i),
        ),
        "batch_update_values": lambda i: values.batchUpdate(
            **id(i), body={"valueInputOption": entered(i), "data": i["data"]}
        ),
        "append_values": lambda i: values.append(
            **where(i),
            valueInputOption=entered(i),
            **of(i, insert_data_option="insertDataOption", include_values="includeValuesInResponse"),
            body=block(i),
        ),
        "clear_values": lambda i: values.clear(**where(i), body={}),
        "batch_clear_values": lambda i: values.batchClear(**id(i), body=of(i, ranges="ranges")),
        "add_sheet": one(lambda i: {"addSheet": {"properties": of(i, title="title", index="index")}}),
        "rename_sheet": one(
            lambda i: {
                "updateSheetProperties": {"properties": of(i, sheet_id="sheetId", title="title"), "fields": "title"}
            }
        ),
        "delete_sheet": one(lambda i: {"deleteSheet": of(i, sheet_id="sheetId")}),
        "copy_sheet": lambda i: sheets.sheets().copyTo(
            **id(i), sheetId=i["sheet_id"], body={"destinationSpreadsheetId": i["destination_spreadsheet_id"]}
        ),
        "insert_rows": one(lambda i: {"insertDimension": {"range": rows(i)}}),
        "delete_rows": one(lambda i: {"deleteDimension": {"range": rows(i)}}),
        "find_replace": one(lambda i: {"findReplace": of(i, **found) | everywhere(i)}),
        "batch_update": lambda i: sheets.batchUpdate(
            **id(i), body=of(i, requests="requests", include_spreadsheet="includeSpreadsheetInResponse")
        ),
    }
    return {name: lambda i, call=call: call(i).execute() for name, call in made.items()}
