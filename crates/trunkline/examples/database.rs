//! A database: tables are made, rows written in one transaction, and read by named parameters.
#![allow(clippy::print_stdout, reason = "printing is what this example is for")]

use serde_json::{json, value::to_raw_value};
use trunkline::{IntegrationConfig, Manager, Query, Result, Statement};

#[tokio::main]
async fn main() -> Result<()> {
    // In memory, for as long as the integration is there. A file would be sqlite:shop.db, in this folder and no other;
    // another database postgres://user:password@host/database.
    let manager = Manager::builder().databases_in("databases").build().await?;
    let shop = json!({ "integration_id": "shop", "type": "sqlite", "base_url": "sqlite::memory:" });
    manager.register(IntegrationConfig::from_json(shop)?).await?;

    let table =
        "create table orders (id integer primary key, item text not null, price real check (price > 0))";
    manager.call("shop", Query::new(table)).await?;

    // Several statements are one transaction: all of it, or nothing.
    let insert = |item: &str, price: f64| {
        let params = to_raw_value(&json!({ "item": item, "price": price })).ok();
        Statement { params, ..Statement::new("insert into orders (item, price) values (:item, :price)") }
    };
    let mut both = Query::new("");
    both.statements = vec![insert("tea", 4.5), insert("cup", -1.0)];
    if let Err(error) = manager.call("shop", both.clone()).await {
        println!("{} {}", error.kind(), error.message());
    }
    both.statements[1] = insert("cup", 9.0);
    manager.call("shop", both).await?;

    // What only reads is made again where that helps, and may be kept by the cache.
    let query = Query::new("select item, price from orders where price < :most order by id")
        .params(&json!({ "most": 9.5 }))?
        .read_only();
    let reply = manager.call("shop", query).await?;
    println!("{}", String::from_utf8_lossy(&reply.bytes().await?));
    Ok(())
}
