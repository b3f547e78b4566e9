//! `Authenticate`: gets the credential from the scheme for each attempt, and tries once more with a
//! fresh one when the service refuses it.

use std::sync::Arc;

use http::HeaderMap;
use trunkline_core::{BoxFuture, Call, Error, Layer, Next, Reply, Result, Retry, SchemeDyn, Scrub};

use crate::Limiter;

/// Adds the scheme's credential to each attempt.
#[derive(Debug)]
pub struct Authenticate {
    scheme: Arc<dyn SchemeDyn>,
    limiter: Option<Arc<Limiter>>,
}

impl Authenticate {
    /// Authenticates with `scheme`. The attempt with a fresh credential waits for `limiter`, which stands above
    /// and knows only of the first.
    pub fn new(scheme: Arc<dyn SchemeDyn>, limiter: Option<Arc<Limiter>>) -> Self {
        Self { scheme, limiter }
    }

    /// Tells the scheme, and makes one more attempt if that gave another credential and the operation
    /// can be sent again. A 401 says that the service did not act, so this is not a retry.
    async fn refreshed(
        &self,
        call: &mut Call,
        next: Next<'_>,
        error: Error,
        replayable: bool,
    ) -> Result<Reply> {
        let Some(refused) = call.credential.clone() else { return Err(error) };
        let challenge = error.reply().map_or_else(HeaderMap::new, |reply| reply.headers.clone());
        self.scheme.rejected_dyn(&refused, &challenge).await;
        // The next call is better off all the same.
        if !replayable {
            return Err(error);
        }
        let fresh = self.scheme.credential_dyn(next.context()).await?;
        if fresh.as_ref().is_none_or(|fresh| Arc::ptr_eq(fresh, &refused)) {
            return Err(error);
        }
        if let Some(limiter) = &self.limiter
            && limiter.admit(call).await.is_err()
        {
            return Err(error);
        }
        call.credential = fresh;
        call.attempt += 1;
        next.run(call).await
    }
}

impl Layer for Authenticate {
    fn name(&self) -> &'static str {
        "authenticate"
    }

    fn call<'a>(&'a self, call: &'a mut Call, next: Next<'a>) -> BoxFuture<'a, Result<Reply>> {
        Box::pin(async move {
            call.credential = match self.scheme.ready_dyn() {
                Some(credential) => Some(credential),
                // Without one there is no attempt.
                None => {
                    self.scheme.credential_dyn(next.context()).await.inspect_err(|_| call.attempt -= 1)?
                }
            };
            // Asked now: a stream is gone once it was sent.
            let replayable = call.operation.is_replayable();
            let result = match next.run(call).await {
                Err(error) if error.kind().row().retry == Retry::Refresh => {
                    self.refreshed(call, next, error, replayable).await
                }
                result => result,
            };
            // What an error quotes of the service goes into logs.
            result.map_err(|error| match &call.credential {
                Some(credential) => error.scrubbed(&Scrub::of(credential)),
                None => error,
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use http::StatusCode;
    use schemars::JsonSchema;
    use serde::Deserialize;
    use trunkline_core::{
        Body, Context, Credential, Egress, Form, HttpRequest, IntegrationId, Kind, Pipeline, Profile, Scheme,
        Secret, Site,
    };
    use trunkline_testkit::{Script, Step};

    use super::*;

    /// A scheme whose credential changes when it is told of a refusal, if it has another.
    #[derive(Debug)]
    struct Rotating {
        tokens: Mutex<Vec<Arc<Credential>>>,
    }

    #[derive(Debug, Deserialize, JsonSchema)]
    struct Tokens(Vec<String>);

    impl Scheme for Rotating {
        const NAME: &'static str = "rotating";
        type Config = Tokens;

        fn open(Tokens(tokens): Tokens, _: &Site) -> Result<Self> {
            let tokens = tokens
                .into_iter()
                .rev()
                .map(|token| Arc::new(Credential::new(Form::Bearer(Secret::new(token)))));
            Ok(Self { tokens: Mutex::new(tokens.collect()) })
        }

        async fn credential(&self, _: &Context) -> Result<Option<Arc<Credential>>> {
            Ok(self.tokens.lock().unwrap().last().cloned())
        }

        async fn rejected(&self, credential: &Arc<Credential>, _: &HeaderMap) {
            let mut tokens = self.tokens.lock().unwrap();
            if tokens.len() > 1 && tokens.last().is_some_and(|last| Arc::ptr_eq(last, credential)) {
                tokens.pop();
            }
        }
    }

    fn refused() -> Step {
        Step::Answers(StatusCode::UNAUTHORIZED, Kind::Unauthenticated)
    }

    async fn call(
        tokens: &[&str],
        steps: impl IntoIterator<Item = Step>,
        request: HttpRequest,
    ) -> (Result<Reply>, Vec<String>) {
        let scheme =
            Rotating::open(Tokens(tokens.iter().map(|&token| token.to_owned()).collect()), &Site::default())
                .unwrap();
        call_with(Arc::new(scheme), steps, request).await
    }

    async fn call_with(
        scheme: Arc<Rotating>,
        steps: impl IntoIterator<Item = Step>,
        request: HttpRequest,
    ) -> (Result<Reply>, Vec<String>) {
        let layers: Vec<Arc<dyn Layer>> = vec![Arc::new(Authenticate::new(scheme, None))];
        let context = Context::new(Arc::new(Egress::new(Profile::Guarded, &[]).unwrap()));
        let script = Script::new(steps);
        let mut call = Call::new(IntegrationId::new("a").unwrap(), request);
        let result = Pipeline::new(context, layers, Arc::new(script.clone())).run(&mut call).await;
        let sent = script.credentials().into_iter().flatten();
        (result, sent.map(|sent| sent.header().unwrap().unwrap().1.to_str().unwrap().to_owned()).collect())
    }

    #[tokio::test]
    async fn each_attempt_carries_the_current_credential() {
        let (result, sent) = call(&["one"], [], HttpRequest::get("/")).await;
        result.unwrap();
        assert_eq!(sent, ["Bearer one"]);
    }

    #[tokio::test]
    async fn a_refused_credential_is_replaced_once_and_the_call_made_again() {
        let (result, sent) = call(&["old", "new"], [refused()], HttpRequest::post("/")).await;
        result.unwrap();
        assert_eq!(sent, ["Bearer old", "Bearer new"]);
    }

    #[tokio::test]
    async fn a_service_that_always_refuses_is_asked_twice_and_its_answer_given_back() {
        let (result, sent) =
            call(&["a", "b", "c"], [refused(), refused(), refused()], HttpRequest::get("/")).await;
        let error = result.unwrap_err();
        assert_eq!(
            (error.kind(), error.reply().unwrap().status),
            (Kind::Unauthenticated, StatusCode::UNAUTHORIZED)
        );
        assert_eq!(sent, ["Bearer a", "Bearer b"]);
    }

    #[tokio::test]
    async fn nothing_is_sent_again_with_the_same_credential_or_a_stream_that_is_gone() {
        let (result, sent) = call(&["only"], [refused()], HttpRequest::get("/")).await;
        assert_eq!((result.unwrap_err().kind(), sent.len()), (Kind::Unauthenticated, 1));

        let stream = Body::stream(http_body_util::StreamBody::new(futures_util::stream::empty()));
        let scheme =
            Arc::new(Rotating::open(Tokens(vec!["a".into(), "b".into()]), &Site::default()).unwrap());
        let request = HttpRequest { body: stream, ..HttpRequest::post("/") };
        let (result, sent) = call_with(scheme.clone(), [refused()], request).await;
        assert_eq!((result.unwrap_err().kind(), sent.len()), (Kind::Unauthenticated, 1));
        let (result, sent) = call_with(scheme, [], HttpRequest::get("/")).await;
        result.unwrap();
        assert_eq!(sent, ["Bearer b"], "the next call has the better one");
    }
}
