//! Servers: relative ones, several, with variables, and those of one operation.

use super::*;

/// What a document with these servers becomes.
fn of_servers(servers: Value) -> Imported {
    let mut document = of_paths(json!({"/things": {"get": {"operationId": "do"}}}));
    document["servers"] = servers;
    imported(&document)
}

fn base_url(imported: &Imported) -> &str {
    imported.manifest.integration["base_url"].as_str().unwrap()
}

#[test]
fn a_server_without_a_host_leaves_it_to_the_integration() {
    for (servers, expected) in [
        (json!([{"url": "/api/v3/"}]), "https://{{ inputs.host }}/api/v3"),
        (json!([]), "https://{{ inputs.host }}"),
        (json!([{"url": "../v1"}]), "https://{{ inputs.host }}"),
    ] {
        let imported = of_servers(servers.clone());
        assert_eq!(base_url(&imported), expected, "{servers}");
        assert_eq!(imported.manifest.inputs[0].name, "host");
    }
    assert!(of_servers(json!([{"url": "/api"}])).notes("servers", "`/api` says no host"));
}

#[test]
fn several_servers_are_a_choice_and_variables_are_inputs() {
    let imported = of_servers(json!([
        {"url": "https://api.example/v1/", "description": "Live"}, {"url": "https://sandbox.example/v1"},
    ]));
    assert_eq!(base_url(&imported), "{{ inputs.server }}");
    let server = &imported.manifest.inputs[0];
    assert_eq!(server.choices, ["https://api.example/v1", "https://sandbox.example/v1"]);
    assert_eq!(
        (server.default.as_deref(), &*server.help),
        (Some("https://api.example/v1"), "https://api.example/v1: Live")
    );

    let variables = json!({
        "sub-domain": {"default": "eu", "enum": ["eu", "us"], "description": "Where"},
        "path": {"default": "a/b"}, "port": {"default": 8443},
    });
    let imported = of_servers(json!([
        {"url": "https://{sub-domain}.example:{port}/{path}?x={x}", "variables": variables}, {"url": "https://other.example"},
    ]));
    assert_eq!(base_url(&imported), "https://{{ inputs.sub_domain }}.example:{{ inputs.port }}/a/b");
    let domain = &imported.manifest.inputs[0];
    assert_eq!((&*domain.title, &*domain.help, domain.choices.len()), ("Sub domain", "Where", 2));
    for (place, words) in [
        ("servers", "`https://other.example` is not offered"),
        ("servers", "what follows the ?"),
        ("servers.variables.path", "it is always `a/b`"),
    ] {
        assert!(imported.notes(place, words), "{words}: {:?}", imported.left_out);
    }
}

#[test]
fn an_operation_at_another_server_is_left_out_unless_that_is_below_the_usual_one() {
    let document = of_paths(json!({
        "/a": {"get": {"operationId": "a"}},
        "/b": {"get": {"operationId": "b", "servers": [{"url": "https://api.example/beta"}]}},
        "/c": {"servers": [{"url": "https://files.example"}], "get": {"operationId": "c"}},
    }));
    let imported = imported(&document);
    assert_eq!(imported.request("b", json!({})).unwrap()["endpoint"], "/beta/b");
    assert_eq!(imported.manifest.actions.keys().collect::<Vec<_>>(), ["a", "b"]);
    assert!(imported.notes("paths./c.get", "at another server, https://files.example"));
}

#[test]
fn a_base_url_that_is_given_takes_the_place_of_the_document_s() {
    let options = Options { base_url: Some("https://my.example/".to_owned()), name: Some("mine".to_owned()) };
    let document = of_paths(json!({"/a": {"get": {"operationId": "a"}}}));
    let Imported { manifest, .. } = import(&document.to_string(), &options).unwrap();
    assert_eq!((&*manifest.name, &manifest.integration["base_url"]), ("mine", &json!("https://my.example")));
}
