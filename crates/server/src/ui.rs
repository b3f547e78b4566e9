//! `/`: the web UI, from inside the binary if it was built before it; else a page that says how to get it.

use axum::{
    Router,
    extract::Path,
    response::{Html, IntoResponse, Response},
    routing::get,
};
use base64::{Engine, engine::general_purpose::STANDARD};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use trunkline::Manager;

use crate::{problem::Problem, random};

/// A file that pages name: its name changes with what is in it.
#[derive(Debug)]
struct Asset {
    name: &'static str,
    plain: &'static [u8],
    gzip: &'static [u8],
}

/// What the build found in `web/dist`.
mod built {
    use super::Asset;

    include!(concat!(env!("OUT_DIR"), "/ui.rs"));
}

/// What the page is asked for by: its own router shows what belongs to the path.
const PATHS: [&str; 5] = ["/", "/add", "/integrations", "/activity", "/settings"];

/// Where the nonce of its styles stands in the page (`web/index.html`).
const NONCE: &str = "NONCE-OF-STYLES";

/// Where there is nothing to show.
const MISSING: &str = "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>Trunkline</title>\
    <h1>Trunkline</h1><p>This server was built without its web UI. To have it here, get Node.js 20.19 or later and start the server with \
    <code>make run</code>; or run <code>npm ci && npm run build</code> in <code>web/</code> before <code>cargo build</code>.</p>\
    <p>The API is complete: <a href=\"/docs\">what there is, to read and to try</a>.</p></html>";

/// Whether a path is one of the UI's. What it shows, it asks the API for, with the token that the person gives it.
pub(crate) fn is_page(path: &str) -> bool {
    let end = path.get(1..).and_then(|rest| rest.find('/')).map_or(path.len(), |end| end + 1);
    let first = &path[..end];
    path == "/" || first != "/" && PATHS.contains(&first) || first == "/assets"
}

/// The page and its files.
pub(crate) fn router() -> Router<Manager> {
    let mut router = Router::new().route("/assets/{name}", get(asset));
    for path in PATHS {
        router = router.route(path, get(page));
    }
    router
        .route("/add/{*rest}", get(page))
        .route("/integrations/{*rest}", get(page))
        .route("/activity/{*rest}", get(page))
}

/// The page, the same for all paths. Its styles are made at run time, by code that has to know this answer's nonce.
async fn page() -> Result<Response, Problem> {
    shown(built::PAGE)
}

/// The page that was built, or what to do where none was.
fn shown(built: Option<&str>) -> Result<Response, Problem> {
    let Some(page) = built else {
        return Ok(Html(MISSING).into_response());
    };
    let nonce = STANDARD.encode(random::bytes::<16>()?);
    let policy = format!(
        "default-src 'self'; style-src 'self' 'nonce-{nonce}'; img-src 'self' data:; frame-ancestors 'none'; object-src 'none'; \
         base-uri 'none'; form-action 'self'"
    );
    let mut response = Html(page.replace(NONCE, &nonce)).into_response();
    let policy = HeaderValue::try_from(policy).expect("base64 is visible ASCII");
    response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, policy);
    Ok(response)
}

/// A file, kept by browsers for a year: another one has another name.
async fn asset(Path(name): Path<String>, headers: HeaderMap) -> Result<Response, Problem> {
    let Some(asset) = built::ASSETS.iter().find(|asset| asset.name == name) else {
        return Err(Problem::plain(
            StatusCode::NOT_FOUND,
            "unknown_path",
            "there is no such file in this version of the UI; load the page again",
        ));
    };
    let media = match name.rsplit_once('.') {
        Some((_, "js")) => "text/javascript",
        Some((_, "css")) => "text/css",
        Some((_, "svg")) => "image/svg+xml",
        Some((_, "woff2")) => "font/woff2",
        _ => "application/octet-stream",
    };
    let mut response = if takes_gzip(&headers) {
        ([(header::CONTENT_ENCODING, "gzip")], asset.gzip).into_response()
    } else {
        asset.plain.into_response()
    };
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(media));
    headers.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    let forever = HeaderValue::from_static("public, max-age=31536000, immutable");
    headers.insert(header::CACHE_CONTROL, forever);
    Ok(response)
}

/// Whether gzip is named and not refused (RFC 9110 section 12.5.3). Browsers name it.
fn takes_gzip(headers: &HeaderMap) -> bool {
    let named =
        headers.get(header::ACCEPT_ENCODING).and_then(|value| value.to_str().ok()).unwrap_or_default();
    named.split(',').any(|coding| {
        let (coding, weight) = coding.split_once(';').unwrap_or((coding, ""));
        let refused = weight.trim().trim_start_matches("q=").parse::<f32>().is_ok_and(|weight| weight == 0.0);
        coding.trim().eq_ignore_ascii_case("gzip") && !refused
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_of_the_ui_are_its_own_and_what_is_below_them() {
        for (path, expected) in [
            ("/", true),
            ("/activity", true),
            ("/integrations/a/configure", true),
            ("/assets/x.js", true),
            ("/activityx", false),
            ("/api/v1/activity", false),
            ("/nothing", false),
            ("//activity", false),
            ("", false),
        ] {
            assert_eq!(is_page(path), expected, "{path}");
        }
    }

    #[tokio::test]
    async fn a_build_without_the_ui_says_how_to_get_it_and_what_there_is() {
        let answer = shown(None).unwrap();
        assert_eq!(answer.status(), StatusCode::OK);
        assert_eq!(answer.headers()[header::CONTENT_TYPE], "text/html; charset=utf-8");
        let page = axum::body::to_bytes(answer.into_body(), usize::MAX).await.unwrap();
        let page = std::str::from_utf8(&page).unwrap();
        for words in
            ["without its web UI", "Node.js 20.19", "make run", "npm ci && npm run build", "href=\"/docs\""]
        {
            assert!(page.contains(words), "{words}: {page}");
        }
        // It asks for nothing: there is no file that it could get.
        assert!(!page.contains("src=") && !page.contains("://"), "{page}");
    }

    #[test]
    fn a_page_has_the_nonce_that_its_policy_names() {
        let answer = shown(Some("<style nonce=NONCE-OF-STYLES>")).unwrap();
        let policy = answer.headers()[header::CONTENT_SECURITY_POLICY].to_str().unwrap();
        assert!(policy.contains("'nonce-") && !policy.contains(NONCE), "{policy}");
    }

    #[test]
    fn gzip_is_sent_only_to_those_who_take_it() {
        for (accepts, expected) in [
            ("gzip, deflate, br", true),
            ("br;q=1.0, GZIP;q=0.5", true),
            ("gzip;q=0", false),
            ("br", false),
            ("", false),
        ] {
            let headers = HeaderMap::from_iter([(header::ACCEPT_ENCODING, accepts.parse().unwrap())]);
            assert_eq!(takes_gzip(&headers), expected, "{accepts}");
        }
    }
}
