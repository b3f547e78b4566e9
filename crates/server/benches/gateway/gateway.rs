//! The server under test, with everything on that it has, and one worker as the others have.

use serde_json::json;
use trunkline::{KeySource, Profile};
use trunkline_server::{Settings, start};

use crate::upstream::TOKEN;

pub(crate) fn serve(upstream: &str) {
    let data = tempfile::tempdir().unwrap();
    let config = data.path().join("trunkline.yaml");
    let file = json!({
        "server": { "workers": 1 },
        "integrations": [{
            "integration_id": "bench", "type": "rest", "base_url": format!("http://{upstream}"),
            "auth_type": "bearer", "auth_config": { "token": TOKEN },
        }],
    });
    std::fs::write(&config, file.to_string()).unwrap();
    let settings = Settings {
        config: Some(config),
        listen: Some("127.0.0.1:0".parse().unwrap()),
        data: Some(data.path().join("data")),
        token: None,
        key: KeySource::DataDir,
        profile: Some(Profile::Lab),
        allow: Vec::new(),
        demo: false,
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    runtime.block_on(async {
        let running = start(settings).await.unwrap();
        println!("{}", running.address());
        std::future::pending::<()>().await;
    });
}
