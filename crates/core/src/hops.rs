//! `Hops`: how often something was passed on without anybody asking: what tells a circle of integrations from a way through them.

use http::{HeaderName, HeaderValue};

use crate::{Error, Kind, Operation, Outcome, Result};

/// How often a message was passed on.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Hops(u32);

impl Hops {
    /// The header that says it, of messages and of HTTP requests. Whoever sends a message because of one that came passes it on.
    pub const HEADER: HeaderName = HeaderName::from_static("trunkline-hops");
    /// So often at most. Ways that are meant have a few steps; a circle in which each message becomes two has made 65,536 by then.
    pub const MOST: u32 = 16;

    /// What a header says. One that says nothing of use says that it was not passed on yet.
    pub fn read(header: Option<&str>) -> Self {
        Self(header.and_then(|text| text.trim().parse().ok()).unwrap_or_default())
    }

    /// Passed on once more.
    ///
    /// # Errors
    ///
    /// `rejected` where it was too often already: repeating cannot help.
    pub fn next(self) -> Result<Self> {
        if self.0 < Self::MOST {
            return Ok(Self(self.0 + 1));
        }
        let message = format!(
            "it was passed on {} times already, perhaps in a circle; see which integrations forward to each other, and send it \
             again without the header {}",
            self.0,
            Self::HEADER
        );
        Err(Error::new(Kind::Rejected, message).outcome_is(Outcome::NotSent))
    }

    /// Says so in what is sent. What has no place for it, such as a statement of SQL, leads nowhere from here.
    pub fn onto(self, operation: &mut Operation) {
        match operation {
            Operation::Http(request) => {
                request.headers.insert(Self::HEADER, HeaderValue::from(self.0));
            }
            Operation::Publish(publish) => {
                for message in &mut publish.messages {
                    message.set_header(Self::HEADER.as_str(), self.0.to_string());
                }
            }
            Operation::Query(_) | Operation::Receive(_) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{HttpRequest, Message, Publish};

    #[test]
    fn what_was_passed_on_too_often_goes_no_further() {
        let last = (0..Hops::MOST).fold(Hops::read(None), |hops, _| hops.next().unwrap());
        let error = last.next().unwrap_err();
        assert_eq!((error.kind(), error.outcome()), (Kind::Rejected, Outcome::NotSent));
        assert!(error.message().starts_with("it was passed on 16 times already"), "{error}");
        for nothing in ["", "-1", "many", "1.5", "99999999999999999999"] {
            assert_eq!(Hops::read(Some(nothing)), Hops::read(None), "{nothing}");
        }
    }

    #[test]
    fn what_is_sent_says_it_once() {
        let hops = Hops::read(Some(" 2 ")).next().unwrap();
        let mut message = Message::text("orders", "a");
        message.set_header("Trunkline-Hops", "2");
        let mut publish = Operation::from(Publish::new(message));
        hops.onto(&mut publish);
        let Operation::Publish(publish) = publish else { panic!() };
        assert_eq!(publish.messages[0].headers, [("trunkline-hops".to_owned(), "3".to_owned())]);
        let mut request = Operation::from(HttpRequest::post("/").header(Hops::HEADER, "2".parse().unwrap()));
        hops.onto(&mut request);
        let Operation::Http(request) = request else { panic!() };
        assert_eq!(request.headers.get_all(Hops::HEADER).iter().collect::<Vec<_>>(), ["3"]);
    }
}
