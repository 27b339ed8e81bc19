//! The cache: shared through Redis, bounded, and free to forget.

use std::time::{Duration, Instant};

use event_analytics::{cache::Cache, config::Secret, shared::Shared};

use crate::support::redis::{self as support, Redis};

fn cache(url: &str) -> Cache {
    Cache::new(Some(Shared::connect(&Secret::new(url)).unwrap()), Duration::from_secs(60))
}

#[tokio::test]
async fn a_value_comes_back_here_and_on_the_other_instance() {
    let url = support::database();
    let (here, there) = (cache(&url), cache(&url));
    assert_eq!(here.get::<String>("k").await, None);
    here.put("k", &"v".to_owned()).await;
    assert_eq!(here.get::<String>("k").await.as_deref(), Some("v"));
    assert_eq!(there.get::<String>("k").await.as_deref(), Some("v"));
    assert_eq!(there.get::<Vec<u64>>("k").await, None, "what cannot be read is not there");
    let ttl: i64 = {
        let mut redis = redis::Client::open(url).unwrap().get_connection().unwrap();
        let keys: Vec<String> = redis::cmd("KEYS").arg("*").query(&mut redis).unwrap();
        assert_eq!(keys.len(), 1);
        redis::cmd("TTL").arg(&keys[0]).query(&mut redis).unwrap()
    };
    assert!((1..=60).contains(&ttl));
}

#[tokio::test]
async fn it_is_bounded_and_expires() {
    let cache = Cache::new(None, Duration::from_millis(300));
    cache.put("huge", &"x".repeat(5 << 20)).await;
    assert_eq!(cache.get::<String>("huge").await, None);
    for n in 0..40 {
        cache.put(&format!("large {n}"), &"x".repeat(3 << 20)).await;
    }
    let mut kept = 0;
    for n in 0..40 {
        kept += u32::from(cache.get::<String>(&format!("large {n}")).await.is_some());
    }
    assert!(kept <= 21, "64 MiB hold 21 of 3 MiB, not {kept}");
    cache.put("brief", &1).await;
    assert_eq!(cache.get::<i32>("brief").await, Some(1));
    tokio::time::sleep(Duration::from_millis(350)).await;
    assert_eq!(cache.get::<i32>("brief").await, None);
}

#[tokio::test]
async fn it_goes_on_without_redis() {
    let mut redis = Redis::start();
    let cache = cache(&redis.url());
    cache.put("before", &1).await;
    redis.stop();
    let start = Instant::now();
    cache.put("after", &2).await;
    for _ in 0..100 {
        assert_eq!(cache.get::<i32>("before").await, Some(1));
        assert_eq!(cache.get::<i32>("after").await, Some(2));
        assert_eq!(cache.get::<i32>("never").await, None);
    }
    assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
}
