//! What can befall a file: another process that writes, a file that may not be written, a full
//! disk, an address that is none.

use std::time::Duration;

use downbeat_server::config::StoreConfig;
use downbeat_server::{DatabaseUrl, Store, StoreError};
use sqlx::{Connection as _, Executor as _};

use super::disk::Disk;
use super::services::{Fresh, Kind};
use super::suite::{line, session};

async fn fresh() -> Fresh {
    Fresh::new(Kind::Sqlite).await.expect("always there")
}

async fn until(store: &Store, is: impl Fn(&Store) -> bool) {
    let seen = async {
        while !is(store) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    if tokio::time::timeout(Duration::from_secs(20), seen)
        .await
        .is_err()
    {
        panic!("{:?}", store.health());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_locked_file_is_written_when_it_is_free_and_read_meanwhile() {
    let fresh = fresh().await;
    let mut config = fresh.config();
    config.timeout = Duration::from_millis(300);
    let store = fresh.store_with(&config).await.expect("starts");
    store.save_session(session(1, "7")).await.expect("kept");
    let other = sqlx::SqliteConnection::connect(&fresh.address_at(None)).await;
    let mut other = other.expect("open");
    other.execute("begin immediate").await.expect("locked");
    for n in 0..10 {
        store.append_chat(line(n)).expect("queued");
    }
    let told = store.save_session(session(2, "7")).await;
    assert_eq!(told, Err(StoreError::Unavailable));
    assert!(store.session(&[1; 32]).await.expect("read").is_some());
    until(&store, |store| !store.health().writable).await;
    assert_eq!(store.health().queued, 11);
    other.execute("rollback").await.expect("free");
    until(&store, |store| store.health().queued == 0).await;
    assert!(store.health().writable);
    let lines = store.chat_history("chat/main", 100).await;
    assert_eq!(lines.expect("read").len(), 10);
    assert_eq!(store.session(&[2; 32]).await, Ok(None));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_may_not_be_written_is_read_and_said_to_be_so() {
    let fresh = fresh().await;
    let store = fresh.store().await;
    store.save_session(session(1, "7")).await.expect("kept");
    assert_eq!(store.stop().await, 0);
    let config = StoreConfig {
        url: Some(DatabaseUrl::new(fresh.address_at(None) + "?mode=ro")),
        timeout: Duration::from_millis(300),
        ..StoreConfig::default()
    };
    let store = fresh.store_with(&config).await.expect("starts");
    until(&store, |store| store.health().up).await;
    assert!(store.session(&[1; 32]).await.expect("read").is_some());
    let told = store.save_session(session(2, "7")).await;
    assert_eq!(told, Err(StoreError::Unavailable));
    until(&store, |store| !store.health().writable).await;
    assert!(store.health().up, "it can be read all the same");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_takes_no_writes_until_there_is_room() {
    let Some(disk) = Disk::new(1024) else {
        return;
    };
    let config = StoreConfig {
        timeout: Duration::from_millis(300),
        ..StoreConfig::default()
    };
    let store = Store::start(&config, Some(disk.path())).await;
    let store = store.expect("starts");
    store.save_session(session(1, "7")).await.expect("kept");
    disk.fill();
    for n in 0..500 {
        let text = "x".repeat(1_000);
        let long = downbeat_server::ChatRow { text, ..line(n) };
        store.append_chat(long).expect("queued");
    }
    until(&store, |store| !store.health().writable).await;
    assert!(store.session(&[1; 32]).await.is_ok_and(|row| row.is_some()));
    assert!(store.health().queued > 0);
    disk.empty();
    until(&store, |store| store.health().queued == 0).await;
    let lines = store.chat_history("chat/main", 1_000).await;
    assert_eq!(lines.expect("read").len(), 500);
    store.stop().await;
}

#[tokio::test]
async fn a_wrong_address_is_told_without_what_is_secret_in_it() {
    for wrong in [
        "s3cret",
        "mongodb://ann:s3cret@db/x",
        "postgres://ann:s3cret@:x:y/z",
    ] {
        let config = StoreConfig {
            url: Some(DatabaseUrl::new(wrong)),
            ..StoreConfig::default()
        };
        let told = Store::start(&config, None).await.expect_err("wrong");
        let told = told.to_string();
        assert!(told.starts_with("store.url: expected sqlite:"), "{told}");
        assert!(!told.contains("s3cret"), "{told}");
    }
}

#[tokio::test]
async fn a_file_of_a_newer_version_is_not_touched() {
    let fresh = fresh().await;
    let store = fresh.store().await;
    store.stop().await;
    fresh
        .run(
            "insert into downbeat_migrations (version, description, success, checksum, \
              execution_time) values (999, 'later', true, x'00', 0)",
        )
        .await;
    let told = fresh.store_with(&fresh.config()).await.expect_err("newer");
    assert!(told.to_string().contains("migration 999"), "{told}");
    assert!(told.to_string().contains("newer version"), "{told}");
}

#[tokio::test]
async fn without_an_address_memory_ends_with_the_process_and_a_folder_does_not() {
    let memory = Store::start(&StoreConfig::default(), None).await;
    let memory = memory.expect("starts");
    memory
        .create_account("Ada", "ada", "$")
        .await
        .expect("made");
    let other = Store::start(&StoreConfig::default(), None).await;
    let other = other.expect("starts");
    assert_eq!(other.account_by_name("ada").await, Ok(None));

    let folder = tempfile::TempDir::new().expect("a folder");
    let odd = folder.path().join("50% of?it#");
    std::fs::create_dir(&odd).expect("made");
    let kept = Store::start(&StoreConfig::default(), Some(&odd)).await;
    let kept = kept.expect("starts");
    let made = kept.create_account("Ada", "ada", "$").await.expect("made");
    kept.stop().await;
    assert!(odd.join("downbeat.db").exists());
    let again = Store::start(&StoreConfig::default(), Some(&odd)).await;
    let again = again.expect("starts");
    assert_eq!(again.account_by_name("ada").await, Ok(Some(made)));
}
