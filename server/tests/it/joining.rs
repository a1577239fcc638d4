use crate::stage::{Client, nobody_is_left, start};

#[tokio::test]
async fn a_member_is_welcomed_and_sees_what_its_input_did() {
    let running = start().await;
    let mut ada = Client::join(running.addr(), "main", "Ada").await;
    let welcome = ada.view.welcome.clone().expect("welcomed");
    assert_eq!(
        (&*welcome.game, &*welcome.room, &*welcome.name),
        ("adder", "main", "Ada")
    );
    ada.send(ada.view.input(1, 41)).await;
    ada.see(|view| view.shared.sum == 41).await;

    let mut bob = Client::join(running.addr(), "main", "").await;
    bob.see(|view| view.shared.sum == 41).await;
    let welcome = bob.view.welcome.clone().expect("welcomed");
    assert_eq!(welcome.name, "guest-1");
    bob.send(bob.view.input(1, 1)).await;
    ada.see(|view| view.shared.sum == 42).await;
    running.stop().await.expect("stopped");
}

#[tokio::test]
async fn an_input_right_behind_the_hello_is_not_lost() {
    let running = start().await;
    let mut ada = Client::connect(running.addr(), "main").await.expect("in");
    let input = ada.view.input(1, 5);
    ada.send(crate::stage::hello("Ada")).await;
    ada.send(input).await;
    ada.see(|view| view.shared.sum == 5).await;
}

#[tokio::test]
async fn a_ping_is_answered_also_before_the_hello() {
    use futures_util::{SinkExt as _, StreamExt as _};
    use tokio_tungstenite::tungstenite::protocol::Message;

    let running = start().await;
    let mut ada = Client::connect(running.addr(), "main").await.expect("in");
    let ping = Message::Ping(b"still there".to_vec().into());
    ada.ws.send(ping).await.expect("sent");
    let pong = ada.ws.next().await.expect("answered").expect("read");
    assert_eq!(pong, Message::Pong(b"still there".to_vec().into()));
}

#[tokio::test]
async fn a_goodbye_is_answered_and_is_no_loss() {
    use tokio_tungstenite::tungstenite::protocol::CloseFrame;

    let running = start().await;
    for joined in [true, false] {
        let mut ada = if joined {
            Client::join(running.addr(), "main", "Ada").await
        } else {
            Client::connect(running.addr(), "main").await.expect("in")
        };
        let bye = CloseFrame {
            code: 1000.into(),
            reason: "bye".into(),
        };
        ada.ws.close(Some(bye)).await.expect("sent");
        assert_eq!(ada.goodbye().await, (1000, "bye".into()));
    }
    nobody_is_left(&running).await;
    assert_eq!(running.counters().connections_lost.value(), 0);
}
