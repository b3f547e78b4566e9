//! How somebody agrees in a browser (RFC 6749 section 4.1, with RFC 7636 and RFC 9207), and what becomes of that.

use std::collections::BTreeMap;

use serde_json::Value;
use trunkline_core::{
    Begun, BoxFuture, Consent, ConsentState, Context, DeviceCode, Error, Kind, Outcome, Result, Secret,
    Standing, now_ms, parse,
};
use url::Url;
use zeroize::Zeroizing;

use super::{
    OAuth2,
    answer::{self, plain},
    endpoints::Endpoint,
    grant::{Asker, Grant, Next},
    keep::Keep,
    pkce,
    server::{Failed, How, param},
};

/// How often a change of what is kept is tried again where others change it too.
const TRIES: usize = 8;

impl OAuth2 {
    /// Keeps `grant` in the place of whatever there was; the next call uses it.
    pub(super) async fn adopt(&self, mut grant: Grant) -> Result<()> {
        let server = self.server();
        // What stands in the configuration is older than this.
        grant.pasted = server.pasted_digest()?;
        for _ in 0..TRIES {
            let generation = server.keep.generation().await?;
            match server.keep.write(generation, grant.clone()).await {
                Err(error) if error.kind() == Kind::Conflict => {}
                result => {
                    result?;
                    self.0.tokens.reset();
                    return Ok(());
                }
            }
        }
        Err(Error::new(Kind::Conflict, "others keep changing the account's tokens; try again"))
    }

    async fn begin(&self, context: &Context, redirect_uri: &str, state: &str) -> Result<Begun> {
        let server = self.server();
        if !matches!(server.how, How::Browser) {
            let message = "grant_type: nobody agrees in a browser with this one; set authorization_code";
            return Err(Error::new(Kind::Unsupported, message));
        }
        let endpoint = server.endpoints.need(context, Endpoint::Authorization).await?;
        let verifier = pkce::verifier()?;
        let mut url = Url::parse(&endpoint).map_err(|_| Error::invalid("authorization_url: is not a URL"))?;
        url.query_pairs_mut()
            .append_pair("response_type", "code")
            .append_pair("client_id", server.client.id())
            .append_pair("redirect_uri", redirect_uri)
            .extend_pairs(server.scope.iter().map(|scope| ("scope", scope)))
            .append_pair("state", state)
            .append_pair("code_challenge", &pkce::challenge(&verifier))
            .append_pair("code_challenge_method", "S256")
            .extend_pairs(&server.wanted)
            .extend_pairs(&server.authorization_params);
        let (url, redirect_uri) = (url.into(), redirect_uri.to_owned());
        Ok(Begun { url, redirect_uri, verifier: Secret::literal(verifier) })
    }

    async fn finish(
        &self,
        context: &Context,
        begun: &Begun,
        answer: &BTreeMap<String, String>,
    ) -> Result<()> {
        let server = self.server();
        let said = |name: &str| answer.get(name).map(|text| plain(text));
        // Before anything else: another server's answer, mixed in by an attacker, says nothing (RFC 9207 section 2.4).
        if let Some((issuer, required)) = server.endpoints.answers_as(context).await? {
            match said("iss") {
                Some(said) if said != issuer => {
                    return Err(refused(Kind::Rejected, format!("the answer is another server's: {said}")));
                }
                None if required => {
                    return Err(refused(
                        Kind::Rejected,
                        "the answer does not say whose it is (iss)".to_owned(),
                    ));
                }
                _ => {}
            }
        }
        if let Some(code) = said("error") {
            let words =
                said("error_description").map_or_else(|| code.clone(), |words| format!("{code} ({words})"));
            let more = said("error_uri").map(|uri| format!("; see {uri}")).unwrap_or_default();
            let kind = if code == "access_denied" { Kind::Forbidden } else { Kind::Rejected };
            return Err(refused(kind, format!("the provider answered {words}{more}")));
        }
        let Some(code) = answer.get("code").filter(|code| !code.is_empty()) else {
            return Err(refused(Kind::Rejected, "the provider's answer has no code in it".to_owned()));
        };
        let params = vec![
            param("grant_type", "authorization_code"),
            param("code", code),
            param("redirect_uri", &begun.redirect_uri),
            param("code_verifier", begun.verifier.expose()?),
        ];
        let issued = server.ask(context, params).await.map_err(|failed| match failed {
            Failed::Refused(refusal) if refusal.code == "invalid_grant" => {
                refused(Kind::Rejected, format!("the provider does not take the code: {}", refusal.said()))
            }
            failed => failed.error(),
        })?;
        self.adopt(server.keep.nothing().granted(issued, now_ms())).await
    }

    async fn import(&self, tokens: &Value) -> Result<()> {
        let Value::Object(fields) = tokens else {
            return Err(Error::invalid("expected an object with access_token, refresh_token, or both"));
        };
        let mut grant = self.server().keep.nothing();
        let refresh_token = match fields.get("refresh_token") {
            None | Some(Value::Null) => None,
            Some(Value::String(token)) if !token.is_empty() => Some(Zeroizing::new(token.clone())),
            Some(_) => return Err(Error::invalid("refresh_token: must be text")),
        };
        match fields.get("access_token") {
            None | Some(Value::Null) if refresh_token.is_some() => grant.refresh_token = refresh_token,
            None | Some(Value::Null) => {
                let near =
                    fields.keys().find_map(|key| parse::nearest(key, ["access_token", "refresh_token"]));
                let near = near.map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
                return Err(Error::invalid(format!(
                    "access_token: is missing, and so is refresh_token{near}"
                )));
            }
            Some(token) if !token.is_string() => return Err(Error::invalid("access_token: must be text")),
            Some(_) => {
                if fields
                    .get("expires_in")
                    .is_some_and(|life| answer::seconds(life).is_none() && !life.is_null())
                {
                    return Err(Error::invalid("expires_in: must be a number of seconds"));
                }
                let mut issued = answer::issued(fields.clone(), &self.server().token_types)
                    .map_err(|what| Error::invalid(format!("access_token: there is {what}")))?;
                issued.origin = self.server().origin(fields);
                grant = grant.granted(issued, now_ms());
            }
        }
        self.adopt(grant).await?;
        self.server().note("import", None);
        Ok(())
    }

    async fn standing(&self) -> Result<Standing> {
        let server = self.server();
        let grant = server.version().await?.grant;
        let (now_ms, owner) = (now_ms(), Keep::owner());
        let asker = Asker { owner, shared: false, now_ms, spent: None, alone: false };
        let (state, reason) = match (grant.next(&asker), self.0.device.pending()) {
            (_, Some(Ok(()))) => (ConsentState::Pending, None),
            (Next::Nobody(_), Some(Err(reason))) => (ConsentState::NotConnected, Some(reason)),
            (Next::Nobody(_), None) if grant.is_empty() => (ConsentState::NotConnected, None),
            (Next::Nobody(reason), None) => (ConsentState::NeedsReauth, Some(reason)),
            _ => (ConsentState::Connected, None),
        };
        let held = grant.access_token.is_some() && state == ConsentState::Connected;
        Ok(Standing {
            state,
            reason,
            scope: grant.scope.clone(),
            expires_at_ms: grant.expires_at_ms().filter(|_| held),
            renewable: grant.refresh_token.is_some() && grant.reauth.is_none(),
            updated_at_ms: Some(grant.issued_at_ms).filter(|at| *at > 0),
        })
    }

    async fn revoke(&self, context: &Context) -> Result<bool> {
        let server = self.server();
        // What cannot be read can be given up all the same.
        let grant = server.version().await.map_or_else(|_| server.keep.nothing(), |version| version.grant);
        let token = [("refresh_token", &grant.refresh_token), ("access_token", &grant.access_token)];
        let token = token.into_iter().find_map(|(hint, token)| Some((hint, token.clone()?)));
        // Forgotten first: that the provider is down keeps nobody from it.
        self.0.device.forget();
        self.adopt(server.keep.nothing()).await?;
        server.note("disconnect", None);
        let Some((hint, token)) = token else { return Ok(false) };
        let told = async {
            let Some(url) = server.endpoints.find(context, Endpoint::Revocation).await? else {
                return Ok(false);
            };
            let params = vec![param("token", token.as_str()), param("token_type_hint", hint)];
            for &way in server.client.ways() {
                if server.post(context, &url, &params, way).await?.0.is_success() {
                    return Ok(true);
                }
            }
            Ok::<_, Error>(false)
        };
        Ok(told.await.unwrap_or_else(|error| {
            tracing::warn!(%error, "the provider could not be told that its tokens are not needed any more");
            false
        }))
    }
}

/// A consent that came to nothing.
fn refused(kind: Kind, message: String) -> Error {
    Error::new(kind, message).outcome_is(Outcome::NotSent)
}

impl Consent for OAuth2 {
    fn begin<'a>(
        &'a self,
        context: &'a Context,
        redirect_uri: &'a str,
        state: &'a str,
    ) -> BoxFuture<'a, Result<Begun>> {
        Box::pin(self.begin(context, redirect_uri, state))
    }

    fn finish<'a>(
        &'a self,
        context: &'a Context,
        begun: &'a Begun,
        answer: &'a BTreeMap<String, String>,
    ) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            let result = self.finish(context, begun, answer).await;
            self.server().note("connect", result.as_ref().err().map(Error::kind));
            result
        })
    }

    fn begin_device<'a>(&'a self, context: &'a Context) -> BoxFuture<'a, Result<DeviceCode>> {
        Box::pin(self.ask_for_code(context))
    }

    fn import<'a>(&'a self, tokens: &'a Value) -> BoxFuture<'a, Result<()>> {
        Box::pin(self.import(tokens))
    }

    fn standing(&self) -> BoxFuture<'_, Result<Standing>> {
        Box::pin(self.standing())
    }

    fn revoke<'a>(&'a self, context: &'a Context) -> BoxFuture<'a, Result<bool>> {
        Box::pin(self.revoke(context))
    }
}
