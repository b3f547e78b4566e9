//! A WebSocket service that does as little as it can.

use tokio::net::{TcpListener, TcpStream};
use trunkline_testkit::shake_hands;

/// Serves with this, and says where.
pub(crate) fn serve<F: Future<Output = std::io::Result<()>> + 'static>(talk: fn(TcpStream) -> F) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    tokio::task::LocalSet::new().block_on(&runtime, async {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        println!("{}", listener.local_addr().unwrap());
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            stream.set_nodelay(true).unwrap();
            tokio::task::spawn_local(async move {
                // A client that goes away is no fault.
                if shake_hands(&mut stream, None).await.is_ok() {
                    let _ = talk(stream).await;
                }
            });
        }
    });
}
