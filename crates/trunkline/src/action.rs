//! Actions of connectors: what becomes a call of one, and what its caller gets of the reply.

use http::{HeaderValue, StatusCode, header};
use serde_json::{Map, Value, value::RawValue};
use trunkline_connectors::{Asked, Repeats};
use trunkline_core::{Call, Error, Idempotency, Kind, Outcome, Reply, Result, exact, parse, part};

use crate::vendor::Vendor;

/// No longer reply is read for a part of it.
const LONGEST: usize = 64 << 20;

/// An action that somebody asks for.
pub(crate) struct Action {
    pub(crate) name: String,
    pub(crate) asked: Asked,
}

impl Action {
    /// The action that a request names, with its `input`; what else there is takes the place of what the action says
    /// itself. `None` where it names none.
    ///
    /// # Errors
    ///
    /// `invalid_config`, naming the key.
    pub(crate) fn of(request: &RawValue) -> Result<Option<Self>> {
        if !request.get().contains("\"action\"") {
            return Ok(None);
        }
        // What is no object, the transport has words for.
        let Ok(mut over) = exact::read::<Map<String, Value>>(request.get().as_bytes()) else {
            return Ok(None);
        };
        let name = match over.remove("action") {
            None => return Ok(None),
            Some(Value::String(name)) => name,
            Some(_) => return Err(Error::invalid("action: expected a string")),
        };
        if !over.contains_key("input")
            && let Some(slip) = over.keys().find(|key| parse::nearest(key, ["input"]).is_some())
        {
            let slip: String = slip.chars().filter(|c| !c.is_control()).take(64).collect();
            return Err(Error::invalid(format!("unknown key `{slip}`, did you mean `input`?")));
        }
        let input = match over.remove("input") {
            None | Some(Value::Null) => Map::new(),
            Some(Value::Object(input)) => input,
            Some(_) => return Err(Error::invalid("input: expected an object")),
        };
        Ok(Some(Self { name, asked: Asked { input, over } }))
    }

    /// The request that it is, with numbers as [`exact`] keeps them, and what it says of the call.
    ///
    /// # Errors
    ///
    /// `unsupported` where there is no such action; `invalid_config`, naming the key.
    pub(crate) fn request(self, vendor: &Vendor) -> Result<(Value, Said)> {
        let answer = vendor.connector()?.request(vendor.inputs(), &self.name, self.asked)?;
        Ok((answer.request, Said { name: self.name, returns: answer.returns, repeats: answer.repeats }))
    }
}

/// What an action says of its call.
#[derive(Debug, Clone)]
pub(crate) struct Said {
    name: String,
    returns: Option<String>,
    repeats: Option<Repeats>,
}

impl Said {
    /// The name of the action.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Says it.
    pub(crate) fn onto(self, call: &mut Call) {
        call.action = Some(self.name.into());
        call.returns = self.returns.map(Into::into);
        call.repeats = self.repeats.map(|repeats| match repeats {
            Repeats::Safely => Idempotency::Safe,
            Repeats::AsOnce => Idempotency::Idempotent,
            Repeats::Never => Idempotency::Unsafe,
        });
    }
}

/// The part of a reply that its caller gets.
///
/// # Errors
///
/// `protocol` where it is not there. The service has done what it was asked all the same.
pub(crate) async fn part(mut reply: Reply, pointer: &str) -> Result<Reply> {
    let applied = |error: Error| error.outcome_is(Outcome::Applied);
    let bytes = std::mem::take(&mut reply.body).collect(LONGEST).await.map_err(applied)?;
    let whole: &RawValue = serde_json::from_slice(&bytes)
        .map_err(|error| applied(Error::new(Kind::Protocol, "the reply is not JSON").source(error)))?;
    let Some(part) = part::at(whole, pointer) else {
        let message = format!("the service did it, and its reply has nothing at {pointer}");
        reply.body = bytes.into();
        return Err(applied(Error::new(Kind::Protocol, message)).replied(reply));
    };
    reply.headers.remove(header::CONTENT_LENGTH);
    reply.headers.remove(header::ETAG);
    reply.headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    // What of it was asked for is there, whatever was sent.
    reply.status = StatusCode::OK;
    reply.body = bytes.slice_ref(part.get().as_bytes()).into();
    Ok(reply)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(json: &str) -> Result<Option<Action>> {
        Action::of(&RawValue::from_string(json.to_owned()).expect("it is JSON"))
    }

    #[test]
    fn a_slip_in_the_word_input_is_told_and_not_taken_for_an_input_that_is_missing() {
        let error = of(r#"{"action": "get", "inpt": {"id": 1}}"#).err().unwrap();
        assert_eq!(error.message(), "unknown key `inpt`, did you mean `input`?");
        for right in
            [r#"{"action": "get", "timeout": 1}"#, r#"{"action": "get", "input": {}, "headers": {}}"#]
        {
            assert!(of(right).unwrap().is_some(), "{right}");
        }
    }
}
