//! Kafka, as Tansu speaks it.

use serde_json::{Value, json};
use trunkline_testkit::Kafka as Tansu;

use super::Broker;

struct Kafka(Tansu);

impl Broker for Kafka {
    async fn start() -> Option<Self> {
        Some(Self(Tansu::start().await))
    }

    fn url(&self) -> String {
        format!("kafka://{}?session_timeout=6s&answers=answers", self.0.address())
    }

    fn declare() -> Value {
        json!({"orders": {}, "answers": {}})
    }

    fn listen() -> &'static str {
        "&group=trunkline"
    }

    // It counts no deliveries, and the next reader is another member of the group.
    fn tells_redelivery() -> bool {
        false
    }
}

super::basics!(Kafka);

#[tokio::test]
async fn how_far_a_group_is_behind_is_told_as_it_goes_up_and_down() {
    super::metrics::how_far_a_group_is_behind_is_told_as_it_goes_up_and_down::<Kafka>().await;
}
