//! The pages that a person reads who was asked to agree: one file each, no script, and nothing from anywhere else.

use std::sync::OnceLock;

use axum::response::{Html, IntoResponse, Response};
use base64::{Engine, engine::general_purpose::STANDARD};
use http::{HeaderValue, StatusCode, header};
use sha2::{Digest, Sha256};
use trunkline::{Error, Kind};

const STYLE: &str = include_str!("pages.css");
/// Characters of what others say that are shown.
const SHOWN: usize = 600;

/// A page.
struct Page<'a> {
    status: StatusCode,
    /// The class of the page: what colour its edge has.
    class: &'a str,
    /// In a word or two.
    said: &'a str,
    /// In a sentence.
    title: String,
    text: &'a str,
    /// In the words of somebody else.
    quote: Option<&'a str>,
    next: String,
}

/// It went well. `place` is the page of the UI about what was connected, below the address of the server.
pub(super) fn connected(name: &str, place: &str) -> Response {
    Page {
        status: StatusCode::OK,
        class: "ok",
        said: "Connected",
        title: format!("{} is connected", escaped(name)),
        text: "You have agreed, and calls can be made in your name from now on.",
        quote: None,
        // From where the callback is, so that it leads there below a path of `server.public_url` too.
        next: format!(
            "<p>You can close this page, or <a href=\"../../../../{}\">go back to Trunkline</a>.</p>",
            escaped(place)
        ),
    }
    .response()
}

/// The provider said no, or the exchange with it failed.
pub(super) fn failed(name: &str, command: &str, redirect_uri: &str, error: &Error) -> Response {
    let (name, kind) = (escaped(name), error.kind());
    let command = format!(
        "<p>If that is you: <code>{}</code></p><p>The redirect URI that the provider has to know: \
         <code>{}</code></p>",
        escaped(command),
        escaped(redirect_uri)
    );
    if matches!(kind, Kind::Forbidden | Kind::Rejected) {
        return Page {
            status: StatusCode::BAD_REQUEST,
            class: "no",
            said: if kind == Kind::Forbidden { "Refused" } else { "Not connected" },
            title: format!("{name} was not connected"),
            text: "This is what came back from the provider:",
            quote: Some(error.message()),
            next: format!(
                "<p>Nothing has changed. To connect it after all, ask whoever sent you here for a new link: this one is \
                 used up.</p>{command}"
            ),
        }
        .response();
    }
    // What the provider says is for whoever reads this. What is wrong with the network behind us is not.
    let theirs = matches!(kind, Kind::Unauthenticated | Kind::Protocol);
    let again = match kind {
        Kind::Unauthenticated => "To try again does not help: tell whoever runs Trunkline.",
        _ => {
            "Try again in some minutes, with a new link; if you see this page again, tell whoever runs Trunkline."
        }
    };
    Page {
        status: StatusCode::BAD_GATEWAY,
        class: "bad",
        said: "Something went wrong",
        title: format!("{name} could not be connected"),
        text: "You may have agreed, but between Trunkline and the provider something went wrong:",
        quote: Some(if theirs { error.message() } else { kind.row().title }),
        next: format!("<p>What was connected before still is. {again}</p>{command}"),
    }
    .response()
}

/// Nobody knows what this browser is here for. `why` is ours: nothing of what it brings is shown.
pub(super) fn stale(why: &'static str) -> Response {
    Page {
        status: StatusCode::BAD_REQUEST,
        class: "no",
        said: "Not connected",
        title: "This link does not work any more".to_owned(),
        text: why,
        quote: None,
        next: "<p>Nothing has changed. Ask whoever sent you here for a new link, and open it in the browser in which \
               you want to sign in.</p>"
            .to_owned(),
    }
    .response()
}

impl Page<'_> {
    fn response(self) -> Response {
        let Self { status, class, said, title, text, quote, next } = self;
        let quote = quote.map(|words| format!("<blockquote dir=\"auto\">{}</blockquote>", escaped(words)));
        let quote = quote.unwrap_or_default();
        let page = format!(
            "<!doctype html><html lang=\"en\" class=\"{class}\"><head><meta charset=\"utf-8\">\
             <meta name=\"viewport\" content=\"width=device-width,initial-scale=1\"><title>{said} · Trunkline</title>\
             <style>{STYLE}</style></head><body><main><p class=\"said\">{said}</p><h1>{title}</h1><p>{text}</p>{quote}{next}\
             <footer>Trunkline connects applications with other services.</footer></main></body></html>"
        );
        (status, [(header::CONTENT_SECURITY_POLICY, policy())], Html(page)).into_response()
    }
}

/// Nothing is loaded or run, and no style counts but ours.
fn policy() -> HeaderValue {
    static POLICY: OnceLock<HeaderValue> = OnceLock::new();
    let policy = POLICY.get_or_init(|| {
        let style = STANDARD.encode(Sha256::digest(STYLE));
        let policy = format!(
            "default-src 'none'; style-src 'sha256-{style}'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
        );
        HeaderValue::try_from(policy).expect("a digest in base64 is visible ASCII")
    });
    policy.clone()
}

/// Words from elsewhere, as text of a page.
fn escaped(words: &str) -> String {
    let mut text = String::new();
    for c in plain(words).chars() {
        match c {
            '&' => text.push_str("&amp;"),
            '<' => text.push_str("&lt;"),
            '>' => text.push_str("&gt;"),
            '"' => text.push_str("&quot;"),
            '\'' => text.push_str("&#39;"),
            c => text.push(c),
        }
    }
    text
}

/// Words from elsewhere, cut where they do not end, and without what does something else than to be read.
pub(super) fn plain(words: &str) -> String {
    let mut chars = words.chars();
    let mut text: String =
        chars.by_ref().take(SHOWN).map(|c| if is_unseen(c) { '\u{fffd}' } else { c }).collect();
    if chars.next().is_some() {
        text.push('…');
    }
    text
}

/// Whether a character is not seen, or moves others: controls, marks of direction (Unicode Standard Annex 9 section 2),
/// joiners, fillers and tags (Unicode Standard section 23.9).
fn is_unseen(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{ad}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{180e}' | '\u{200b}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{feff}' | '\u{ffa0}'
            | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt;

    use super::*;

    async fn body(response: Response) -> String {
        let bytes = response.into_body().collect().await.unwrap().to_bytes();
        String::from_utf8(bytes.to_vec()).unwrap()
    }

    #[tokio::test]
    async fn the_words_of_others_are_text_and_have_an_end() {
        let nasty = format!("\"'><script>alert(1)</script>&amp;\u{202e}txt\0{}", "x".repeat(1 << 20));
        let response = failed(&nasty, &nasty, &nasty, &Error::new(Kind::Forbidden, nasty.clone()));
        assert_eq!(response.status(), 400);
        let body = body(response).await;
        assert!(
            body.contains(
                "&quot;&#39;&gt;&lt;script&gt;alert(1)&lt;/script&gt;&amp;amp;\u{fffd}txt\u{fffd}x"
            )
        );
        assert!(
            !body.contains("<script") && !body.contains('\u{202e}') && body.len() < 8192,
            "{}",
            body.len()
        );
    }

    #[tokio::test]
    async fn a_page_loads_nothing_and_its_policy_lets_it_have_its_style() {
        let response = connected("Shop", "integrations/shop");
        assert_eq!(response.status(), 200);
        let policy = response.headers()["content-security-policy"].to_str().unwrap().to_owned();
        let body = body(response).await;
        let style = body.split_once("<style>").unwrap().1.split_once("</style>").unwrap().0;
        let hash = STANDARD.encode(Sha256::digest(style));
        assert!(policy.starts_with("default-src 'none';") && policy.contains(&hash), "{policy}");
        for word in ["src=", "<link", "url(", "@import", "<script", "style="] {
            assert!(!body.contains(word), "{word}");
        }
        // One link, for whoever wants to go back.
        let links: Vec<_> = body.match_indices("href=").map(|(at, _)| &body[at..]).collect();
        assert!(
            matches!(&*links, [one] if one.starts_with("href=\"../../../../integrations/shop\"")),
            "{links:?}"
        );
    }

    #[tokio::test]
    async fn what_is_behind_us_is_not_told_to_whoever_comes_along() {
        let page =
            body(failed("a", "a", "u", &Error::new(Kind::Unavailable, "cannot connect to 10.0.0.7:443")))
                .await;
        assert!(page.contains("The service is unavailable") && !page.contains("10.0.0.7"), "{page}");
    }

    #[test]
    fn a_failure_between_the_servers_is_not_the_persons() {
        for (kind, status) in [
            (Kind::Forbidden, 400),
            (Kind::Rejected, 400),
            (Kind::Unavailable, 502),
            (Kind::Unauthenticated, 502),
            (Kind::Store, 502),
        ] {
            assert_eq!(failed("a", "a", "u", &Error::new(kind, "no")).status(), status, "{kind}");
        }
    }
}
