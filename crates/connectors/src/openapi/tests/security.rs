//! Security schemes: one, another, or several together.

use super::*;

/// What a document with these schemes becomes, where all operations ask for `security`.
fn of_security(schemes: Value, security: Value) -> Imported {
    let mut document = of_paths(json!({"/a": {"get": {"operationId": "a"}}}));
    document["components"]["securitySchemes"] = schemes;
    document["security"] = security;
    imported(&document)
}

/// The ways to authenticate, by ids, types and keys.
fn ways(imported: &Imported) -> Value {
    let ways = imported.manifest.auth.iter().map(|auth| json!([auth.id, auth.auth_type, auth.auth_config]));
    ways.collect::<Vec<_>>().into()
}

#[test]
fn each_scheme_is_a_way_and_what_most_ask_for_comes_first() {
    let schemes = json!({
        "basic": {"type": "http", "scheme": "Basic"},
        "cookie": {"type": "apiKey", "in": "cookie", "name": "sid"},
        "query": {"type": "apiKey", "in": "query", "name": "key"},
        "token": {"type": "http", "scheme": "bearer"},
        "digest": {"type": "http", "scheme": "digest"},
    });
    let imported = of_security(schemes, json!([{"token": []}]));
    let login = json!({"username": "{{ inputs.username }}", "password": "{{ inputs.password }}"});
    let second =
        json!({"username": "{{ inputs.digest_username }}", "password": "{{ inputs.digest_password }}"});
    assert_eq!(
        ways(&imported),
        json!([
            ["token", "bearer", {"token": "{{ inputs.token }}"}],
            ["basic", "basic", login],
            ["cookie", "api_key", {"key": "{{ inputs.api_key }}", "cookie": "sid"}],
            ["digest", "digest", second],
            ["query", "api_key", {"key": "{{ inputs.query_api_key }}", "query": "key"}],
        ])
    );
    assert!(
        imported
            .manifest
            .auth
            .iter()
            .flat_map(|auth| &auth.inputs)
            .all(|input| input.secret || input.name.ends_with("username"))
    );
}

#[test]
fn flows_of_oauth_2_are_ways_each_and_those_of_the_past_are_listed() {
    let flow = json!({
        "authorizationUrl": "https://a.example/authorize", "tokenUrl": "https://a.example/token",
        "refreshUrl": "https://a.example/refresh", "scopes": {"read": "Reads", "write": "Writes"},
    });
    let flows = json!({
        "authorizationCode": flow, "clientCredentials": flow, "implicit": flow,
        "x-mine": {},
    });
    let imported = of_security(json!({"o": {"type": "oauth2", "flows": flows}}), json!([{"o": ["read"]}]));
    let client = json!({
        "grant_type": "client_credentials", "token_url": "https://a.example/token", "client_id": "{{ inputs.client_id }}",
        "client_secret": "{{ inputs.client_secret }}", "scope": "{{ inputs.scope }}",
    });
    let mut person = client.clone();
    person["grant_type"] = "authorization_code".into();
    person["authorization_url"] = "https://a.example/authorize".into();
    let found = ways(&imported);
    assert_eq!(found[0], json!(["o_client_credentials", "oauth2", client]));
    let names = ["client_id", "client_secret", "scope"];
    for name in names {
        person[name] = found[1][2][name].clone();
    }
    assert_eq!(found[1], json!(["o_authorization_code", "oauth2", person]));
    let scope = imported.manifest.auth[0].inputs.last().unwrap();
    assert!(scope.optional && scope.help.ends_with("of: read write"));
    assert!(imported.notes("o.flows.implicit", "not used any more"));
    assert!(imported.notes("o.flows.clientCredentials", "not at its refreshUrl"));
}

#[test]
fn a_provider_of_openid_connect_is_named_by_its_issuer() {
    let scheme = |url: &str| json!({"oidc": {"type": "openIdConnect", "openIdConnectUrl": url}});
    let imported = of_security(scheme("https://id.example/x/.well-known/openid-configuration"), json!([]));
    assert_eq!(imported.manifest.auth[0].auth_config["issuer"], "https://id.example/x");
    let plain = of_security(scheme("http://id.example/.well-known/openid-configuration"), json!([]));
    assert!(plain.manifest.auth.is_empty() && plain.notes("oidc", "left out"), "{:?}", plain.left_out);
}

#[test]
fn schemes_that_are_wanted_together_and_operations_that_want_others_are_listed() {
    let schemes = json!({
        "id": {"type": "apiKey", "in": "header", "name": "X-Id"}, "key": {"type": "apiKey", "in": "header", "name": "X-Key"},
    });
    let mut document = of_paths(json!({
        "/a": {"get": {"operationId": "a"}},
        "/open": {"get": {"operationId": "open", "security": []}},
        "/other": {"get": {"operationId": "other", "security": [{"key": []}]}},
    }));
    document["components"] = json!({ "securitySchemes": schemes });
    document["security"] = json!([{"id": [], "key": []}]);
    let imported = imported(&document);
    assert_eq!(imported.manifest.auth.len(), 2);
    for (place, words) in [
        ("security", "wants id and key together"),
        ("paths./open.get", "needs no credential"),
        ("paths./other.get", "wants key, unlike others"),
    ] {
        assert!(imported.notes(place, words), "{words}: {:?}", imported.left_out);
    }
}

#[test]
fn a_scheme_of_which_nothing_can_be_made_is_listed() {
    for (scheme, words) in [
        (json!({"type": "mutualTLS"}), "client_cert"),
        (json!({"type": "http", "scheme": "hoba"}), "`hoba` is not known"),
        (json!({"type": "apiKey", "in": "body", "name": "k"}), "a place that is not known"),
        (json!({"type": "apiKey", "in": "header"}), "names no place"),
        (json!({"type": "soap"}), "a type that is not known"),
        (json!({"$ref": "#/components/none"}), "leads nowhere"),
        (
            json!({"type": "oauth2", "flows": {"clientCredentials": {"tokenUrl": "http://a.example"}}}),
            "no secret is sent",
        ),
    ] {
        let imported = of_security(json!({ "s": scheme }), json!([{"s": []}]));
        assert!(imported.manifest.auth.is_empty(), "{scheme}");
        assert!(imported.notes("", words), "{scheme}: {:?}", imported.left_out);
    }
    assert!(
        of_security(json!({}), json!([{"none": []}]))
            .notes("security", "`none`, which is no security scheme")
    );
}

#[test]
fn a_key_whose_header_or_cookie_cannot_have_its_name_is_listed_with_that_name() {
    let schemes = json!({
        "a": {"type": "apiKey", "in": "header", "name": "bad name"},
        "b": {"type": "apiKey", "in": "cookie", "name": "a=b"},
        "c": {"type": "apiKey", "in": "body", "name": "key"},
    });
    let imported = of_security(schemes, json!([]));
    assert!(imported.manifest.auth.is_empty());
    for (place, words) in [
        (".a", "`bad name` is not the name of a header"),
        (".b", "`a=b` is not the name of a cookie"),
        (".c", "in a place that is not known"),
    ] {
        assert!(imported.notes(place, words), "{:?}", imported.left_out);
    }
}

#[test]
fn scopes_of_operations_are_listed() {
    let schemes = json!({"login": {"type": "oauth2", "flows": {"clientCredentials": {"tokenUrl": "https://a.example/token", "scopes": {"read": "Read"}}}}});
    let of_all = of_security(schemes.clone(), json!([{"login": ["read"]}]));
    assert!(of_all.notes("security", "which scopes it wants"), "{:?}", of_all.left_out);
    let of_none = of_security(schemes.clone(), json!([{"login": []}]));
    assert!(!of_none.notes("", "which scopes it wants"), "{:?}", of_none.left_out);
    let mut document = of_operation(json!({"security": [{"login": ["read"]}]}));
    document["components"] = json!({"securitySchemes": schemes});
    let of_one = imported(&document);
    assert!(of_one.notes("paths./things.post", "which scopes it wants"), "{:?}", of_one.left_out);
}
