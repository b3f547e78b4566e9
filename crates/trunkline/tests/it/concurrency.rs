//! Many callers while writers replace, remove and register: nobody sees half of anything.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread,
};

use serde_json::json;
use trunkline::{Kind, Source};

use crate::{config, lab};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn readers_see_whole_integrations_while_writers_replace_them() {
    let manager = lab().build().await.unwrap();
    let version = |id: &str, n: usize| {
        config(json!({
            "integration_id": id, "type": "rest", "base_url": "http://h", "name": n.to_string(),
            "description": n.to_string(), "metadata": { "n": n },
        }))
    };
    for id in ["a", "b"] {
        manager.register(version(id, 0)).await.unwrap();
    }
    let (stop, reads) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let readers: Vec<_> = (0..4)
        .map(|_| {
            let (manager, stop, reads) = (manager.clone(), stop.clone(), reads.clone());
            thread::spawn(move || {
                let mut last = 0;
                while !stop.load(Ordering::Relaxed) {
                    let handle = manager.get("a").unwrap();
                    // Of one version whole, and never of an older one than before.
                    assert_eq!(handle.name(), handle.description());
                    assert_eq!(handle.config().unwrap().expose()["metadata"]["n"].to_string(), handle.name());
                    assert!(handle.generation() >= last);
                    last = handle.generation();
                    // `b` comes and goes; what is listed is in order and whole.
                    let all = manager.list();
                    assert!(all.windows(2).all(|pair| pair[0].id() < pair[1].id()));
                    // Both of the file, or neither.
                    let of_file = all.iter().filter(|handle| handle.source() == Source::File).count();
                    assert!(matches!(of_file, 0 | 2), "{of_file}");
                    reads.fetch_add(1, Ordering::Relaxed);
                }
            })
        })
        .collect();
    let file = [version("f1", 1), version("f2", 1)];
    let writers = (0..3).map(|writer| {
        let (manager, file) = (manager.clone(), file.clone());
        tokio::spawn(async move {
            for n in 1..200 {
                match writer {
                    0 => drop(manager.replace(version("a", n), None).await.unwrap()),
                    1 => {
                        manager.remove("b", None).await.unwrap();
                        drop(manager.register(version("b", n)).await.unwrap());
                    }
                    _ => {
                        manager.set_source(Source::File, if n % 2 == 0 { &[] } else { &file }).await.unwrap();
                    }
                }
            }
        })
    });
    for writer in writers.collect::<Vec<_>>() {
        writer.await.unwrap();
    }
    while reads.load(Ordering::Relaxed) < 1_000 {
        tokio::task::yield_now().await;
    }
    stop.store(true, Ordering::Relaxed);
    for reader in readers {
        reader.join().unwrap();
    }
    assert_eq!(manager.get("a").unwrap().name(), "199");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_who_want_an_id_or_a_generation_one_gets_it() {
    let manager = lab().build().await.unwrap();
    let one = || config(json!({ "integration_id": "a", "type": "rest", "base_url": "http://h" }));
    let count = async |attempts: Vec<tokio::task::JoinHandle<Result<(), Kind>>>| {
        let mut won = 0;
        for attempt in attempts {
            match attempt.await.unwrap() {
                Ok(()) => won += 1,
                Err(kind) => assert_eq!(kind, Kind::Conflict),
            }
        }
        won
    };
    let register = (0..20).map(|_| {
        let (manager, one) = (manager.clone(), one());
        tokio::spawn(async move { manager.register(one).await.map(drop).map_err(|error| error.kind()) })
    });
    assert_eq!(count(register.collect()).await, 1);
    let read = manager.get("a").unwrap().generation();
    let replace = (0..20).map(|_| {
        let (manager, one) = (manager.clone(), one());
        tokio::spawn(
            async move { manager.replace(one, Some(read)).await.map(drop).map_err(|error| error.kind()) },
        )
    });
    assert_eq!(count(replace.collect()).await, 1);
}
