//! `/docs`: the API to browse and try, from inside the binary, and `/docs/problems`: what each kind of
//! error means.

use std::fmt::Write as _;

use axum::{Router, response::Html, routing::get};
use http::{HeaderValue, header};
use trunkline::{Kind, Manager};
use utoipa_swagger_ui::{Config, SwaggerUi};

/// Swagger UI sets styles of its own at run time.
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; frame-ancestors 'none'; object-src 'none'; base-uri 'none'",
);

/// Problems of the exchange with us: what a call can fail with is a kind.
const EXCHANGE: [(&str, u16, &str); 14] = [
    ("unknown_path", 404, "There is nothing at this path"),
    ("method_not_allowed", 405, "The path knows other methods: the header Allow names them"),
    ("unauthorized", 401, "The API token is missing or wrong, was revoked, or has expired"),
    ("unknown_token", 404, "There is no API token of this id"),
    ("foreign_host", 403, "The server was addressed by a name that it does not know"),
    ("foreign_origin", 403, "A page of another site called"),
    ("unsupported_media_type", 415, "The body is not declared as JSON"),
    ("payload_too_large", 413, "The body is longer than server.body allows"),
    ("incomplete_body", 400, "The body ended too early"),
    ("slow_body", 408, "The body paused for too long, or came too slowly"),
    ("idempotency_mismatch", 422, "The Idempotency-Key was used for another integration or another body"),
    (
        "idempotency_in_progress",
        409,
        "The call with this Idempotency-Key is under way: repeat it for its answer",
    ),
    (
        "idempotency_unknown",
        409,
        "The call with this Idempotency-Key was cut off, and the service may have acted",
    ),
    (
        "idempotency_not_kept",
        409,
        "The call with this Idempotency-Key was answered, and the answer is too large to be kept",
    ),
];

/// The pages.
pub(crate) fn router() -> Router<Manager> {
    let ui: Router<Manager> = SwaggerUi::new("/docs").config(Config::from("/openapi.json")).into();
    let pages = ui.route("/docs/problems", get(|| async { Html(problems()) }));
    pages.layer(axum::middleware::map_response(|mut response: axum::response::Response| async move {
        response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, POLICY);
        response
    }))
}

/// A table of the kinds: what each is answered with and whether to try again.
fn problems() -> String {
    let mut page = String::from(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>Trunkline problems</title>\
         <style>body{font:16px system-ui;margin:2rem auto;max-width:60rem}td,th{text-align:left;padding:.3rem .8rem;border-bottom:1px solid #ccc}</style>\
         <h1>Problems</h1><table><tr><th>kind</th><th>status</th><th>meaning</th><th>who acts</th><th>the service</th></tr>",
    );
    for kind in Kind::ALL {
        let row = kind.row();
        let acted = match row.outcome {
            trunkline::Outcome::NotSent => "was not asked",
            trunkline::Outcome::Rejected => "did not act",
            trunkline::Outcome::Applied => "acted",
            trunkline::Outcome::Unknown => "may have acted",
        };
        let blame = format!("{:?}", row.blame).to_lowercase();
        // Writing to a String cannot fail.
        let _ = write!(
            page,
            "<tr id=\"{code}\"><td><code>{code}</code></td><td>{}</td><td>{}</td><td>{blame}</td><td>{acted}</td></tr>",
            row.answers,
            row.title,
            code = row.code,
        );
    }
    page.push_str(
        "</table><h2>Of the exchange with Trunkline itself</h2>\
         <table><tr><th>kind</th><th>status</th><th>meaning</th></tr>",
    );
    for (code, status, meaning) in EXCHANGE {
        let _ = write!(
            page,
            "<tr id=\"{code}\"><td><code>{code}</code></td><td>{status}</td><td>{meaning}</td></tr>"
        );
    }
    page.push_str("</table></html>");
    page
}
