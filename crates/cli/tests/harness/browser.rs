//! A person's browser, as far as an authorization code goes: it follows redirects and keeps cookies.

use bytes::Bytes;
use http::{Request, header};
use http_body_util::Full;
use hyper_util::rt::TokioIo;

use super::{Answer, connect, within};

/// A browser, with cookies of its own.
#[derive(Debug, Default, Clone)]
pub(crate) struct Browser {
    /// Host (cookies know no ports, RFC 6265 section 8.5), path, name and value.
    cookies: Vec<[String; 4]>,
    /// With which words the person says no, if they do.
    refuses: Option<&'static str>,
}

impl Browser {
    /// The browser of somebody who refuses in these words.
    pub(crate) fn refusing(words: &'static str) -> Self {
        Self { refuses: Some(words), ..Self::default() }
    }

    /// One request, without following anything.
    pub(crate) async fn open(&mut self, url: &str) -> Answer {
        let rest = url.strip_prefix("http://").unwrap_or_else(|| panic!("{url}"));
        let (host, target) =
            rest.split_once('/').map_or((rest, "/".to_owned()), |(h, p)| (h, format!("/{p}")));
        let path = target.split('?').next().unwrap();
        let name = host.split(':').next().unwrap();
        let mine =
            self.cookies.iter().filter(|[at, below, ..]| at == name && path.starts_with(below.as_str()));
        let cookies: Vec<_> = mine.map(|[_, _, name, value]| format!("{name}={value}")).collect();
        let request = Request::get(&target)
            .header(header::HOST, host)
            .header(header::ACCEPT, "text/html,application/xhtml+xml,*/*;q=0.8")
            .header("sec-fetch-mode", "navigate")
            .header(header::COOKIE, cookies.join("; "))
            .body(Full::<Bytes>::default())
            .unwrap();
        let stream = TokioIo::new(connect(host.parse().unwrap()).await);
        let (mut sender, connection) = hyper::client::conn::http1::handshake(stream).await.unwrap();
        tokio::spawn(connection);
        let answer = Answer::of(within("an answer", sender.send_request(request)).await.unwrap()).await;
        for cookie in answer.headers.get_all(header::SET_COOKIE) {
            self.keep(name, cookie.to_str().unwrap());
        }
        answer
    }

    fn keep(&mut self, host: &str, cookie: &str) {
        let mut parts = cookie.split(';').map(str::trim);
        let (name, value) = parts.next().unwrap().split_once('=').unwrap();
        let path =
            parts.find_map(|part| part.split_once('=').filter(|(key, _)| key.eq_ignore_ascii_case("path")));
        let path = path.map_or("/", |(_, path)| path);
        self.cookies.retain(|[at, below, held, _]| (&**at, &**below, &**held) != (host, path, name));
        self.cookies.push([host, path, name, value].map(str::to_owned));
    }

    /// Follows redirects until one leads to a URL that has `stop` in it, and gives that, unopened.
    pub(crate) async fn until(&mut self, url: &str, stop: &str) -> String {
        let mut url = url.to_owned();
        for _ in 0..10 {
            let answer = self.open(&url).await;
            assert!(answer.status.is_redirection(), "{url}: {answer:?}");
            let location = answer.header("location");
            let origin = url.split('/').take(3).collect::<Vec<_>>().join("/");
            url = if location.starts_with('/') { format!("{origin}{location}") } else { location.to_owned() };
            if url.contains(stop) {
                return url;
            }
            if let Some(words) = self.refuses.filter(|_| url.contains("/agree/")) {
                let words = percent_encoding::utf8_percent_encode(words, percent_encoding::NON_ALPHANUMERIC);
                url = format!("{url}?refuse={words}");
            }
        }
        panic!("{url}: goes round in circles")
    }

    /// Opens a link to connect an account, does what the provider asks for, and comes back.
    pub(crate) async fn connect(&mut self, link: &str) -> Answer {
        let back = self.until(link, "/oauth/callback/").await;
        self.open(&back).await
    }
}
