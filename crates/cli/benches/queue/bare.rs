//! What somebody writes who sends messages to one queue and nothing else: a channel with confirms.

use std::time::{SystemTime, UNIX_EPOCH};

use lapin::{
    BasicProperties, Connection, ConnectionProperties,
    options::{BasicPublishOptions, ConfirmSelectOptions},
};
use trunkline::RequestId;

use crate::{BODY, QUEUE, client::answer, library};

/// Sends as it is told.
pub(crate) fn serve(url: &str) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let (_connection, channel) = runtime.block_on(async {
        let connection =
            Connection::connect(&format!("{url}/%2f"), ConnectionProperties::default()).await.unwrap();
        let channel = connection.create_channel().await.unwrap();
        channel.confirm_select(ConfirmSelectOptions::default()).await.unwrap();
        library::declare(&channel).await;
        (connection, channel)
    });
    let body = vec![b'x'; BODY];
    // As the library has them: the same bytes are sent.
    let properties = || {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
        BasicProperties::default()
            .with_delivery_mode(1)
            .with_timestamp(now)
            .with_message_id(RequestId::new().to_string().into())
    };
    let options = BasicPublishOptions { mandatory: true, immediate: false };
    answer(|size| {
        runtime.block_on(async {
            let mut confirms = Vec::with_capacity(size);
            for _ in 0..size {
                let sent = channel.basic_publish("".into(), QUEUE.into(), options, &body, properties());
                confirms.push(sent.await.unwrap());
            }
            for confirm in confirms {
                assert!(confirm.await.unwrap().is_ack());
            }
        });
        1
    });
}
