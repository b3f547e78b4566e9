//! `/docs`: the API to browse and try, from inside the binary, and `/docs/problems`: what each kind of
//! error means and what to do about it, which `docs/problems.md` says too.

mod exchange;

use std::fmt::Write as _;

use axum::{Router, response::Html, routing::get};
use http::{HeaderValue, header};
use trunkline::{Kind, Manager, Outcome};
use utoipa_swagger_ui::{Config, SwaggerUi};

use self::exchange::EXCHANGE;

/// Swagger UI sets styles of its own at run time.
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; frame-ancestors 'none'; object-src 'none'; base-uri 'none'",
);

/// The pages.
pub(crate) fn router() -> Router<Manager> {
    let ui: Router<Manager> = SwaggerUi::new("/docs").config(Config::from("/openapi.json")).into();
    let pages = ui.route("/docs/problems", get(|| async { Html(page()) }));
    pages.layer(axum::middleware::map_response(|mut response: axum::response::Response| async move {
        response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, POLICY);
        response
    }))
}

/// One kind of problem, as it is explained.
struct Explained {
    code: &'static str,
    status: u16,
    title: &'static str,
    /// Who has to act, and whether the service has, where a call can fail with it.
    facts: Option<(&'static str, &'static str)>,
    /// What it means, and what to do: words of the API stand between backticks.
    text: String,
}

/// What calls fail with.
fn of_calls() -> impl Iterator<Item = Explained> {
    Kind::ALL.iter().map(|kind| {
        let row = kind.row();
        let acted = match row.outcome {
            Outcome::NotSent => "the service was not asked",
            Outcome::Rejected => "the service did not act",
            Outcome::Applied => "the service acted",
            Outcome::Unknown => "the service may have acted",
        };
        let text = format!("{} {}", row.means, row.advice);
        Explained {
            code: row.code,
            status: row.answers,
            title: row.title,
            facts: Some((row.blame.who(), acted)),
            text,
        }
    })
}

/// What requests to Trunkline itself fail with.
fn of_the_exchange() -> impl Iterator<Item = Explained> {
    EXCHANGE.iter().map(|&(code, status, title, advice)| Explained {
        code,
        status,
        title,
        facts: None,
        text: advice.to_owned(),
    })
}

const INTRODUCTION: &str = "What each `kind` of error means, and what to do about it. The `type` of a problem (RFC 9457) leads here; `detail` \
    says more, `outcome` whether the service can have acted in this very case, and `upstream` what it answered.";

const PARTS: [&str; 2] = ["What calls fail with", "What requests to Trunkline itself fail with"];

/// The page, a section for each kind.
fn page() -> String {
    let mut page = format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\">\
         <title>Problems - Trunkline</title><style>:root{{color-scheme:light dark}}\
         body{{font:16px/1.5 system-ui;margin:2rem auto;max-width:46rem;padding:0 1rem}}\
         h1,h2,h3{{line-height:1.25}}h3{{margin:0}}p{{margin:.2rem 0}}section{{padding:.7rem .8rem;border-radius:6px}}\
         section:target{{outline:2px solid #2563c9}}.facts{{opacity:.75;font-size:.9rem}}</style>\
         <h1>Problems</h1><p>{}</p>",
        html(INTRODUCTION)
    );
    let mut part = |title: &str, all: &mut dyn Iterator<Item = Explained>| {
        // Writing to a String cannot fail.
        let _ = write!(page, "<h2>{title}</h2>");
        for Explained { code, status, title, facts, text } in all {
            let facts = facts.map(|(who, acted)| format!(" · {who} · {acted}")).unwrap_or_default();
            let _ = write!(
                page,
                "<section id=\"{code}\"><h3>{title}</h3><p class=\"facts\"><code>{code}</code> · {status}{facts}</p><p>{}</p></section>",
                html(&text)
            );
        }
    };
    part(PARTS[0], &mut of_calls());
    part(PARTS[1], &mut of_the_exchange());
    page.push_str("</html>");
    page
}

/// Words between backticks as code. Texts of ours have no other marks, and nothing that means anything in HTML.
fn html(text: &str) -> String {
    let parts = text.split('`').enumerate();
    parts
        .map(|(at, part)| if at % 2 == 1 { format!("<code>{part}</code>") } else { part.to_owned() })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The page for whoever reads the repository.
    fn markdown() -> String {
        let mut text =
            format!("# Problems\n\n{INTRODUCTION} A running server shows this page at `/docs/problems`.\n");
        let mut part = |title: &str, all: &mut dyn Iterator<Item = Explained>| {
            let _ = write!(text, "\n## {title}\n");
            for Explained { code, status, title, facts, text: says } in all {
                let facts = facts.map(|(who, acted)| format!(" · {who} · {acted}")).unwrap_or_default();
                let _ = write!(text, "\n### {title}\n\n`{code}` · {status}{facts}\n\n{says}\n");
            }
        };
        part(PARTS[0], &mut of_calls());
        part(PARTS[1], &mut of_the_exchange());
        text
    }

    #[test]
    fn the_page_in_the_repository_is_this_one() {
        let path = format!("{}/../../docs/problems.md", env!("CARGO_MANIFEST_DIR"));
        let text = markdown();
        if std::env::var_os("UPDATE").is_some() {
            std::fs::write(&path, &text).unwrap();
        }
        let written = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(written == text, "{path} is not current; set UPDATE=1 and run this test again");
    }

    #[test]
    fn each_kind_says_more_than_its_title() {
        for Explained { code, title, text, .. } in of_calls().chain(of_the_exchange()) {
            assert!(text.len() > 40 && text.ends_with('.') && !text.contains(title), "{code}: {text}");
            assert!(text.matches('`').count() % 2 == 0 && !text.contains(['<', '>', '&']), "{code}: {text}");
        }
    }
}
