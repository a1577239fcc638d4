use super::*;
use downbeat::testing::Gallery;
#[test]
fn bytes() {
    for animals in [0, 60, 500, 1000] {
        let mut gallery = Gallery::<Meadow>::open(Settings { animals, ..Settings::default() });
        let ada = gallery.enter(true);
        let mut all = 0;
        for tick in 0..3000u32 {
            gallery.step();
            gallery.write();
            let sent = gallery.take_sent();
            if tick == 0 {
                let id = gallery.room().avatar(ada);
                let id = id.expect("in");
                gallery.room().entity_mut(id).expect("alive").pos = Vec2::splat(64.0);
            }
            if tick == 9 { println!("{animals}: first 10 ticks {} bytes", all + sent.bytes); all = 0; }
            else { all += sent.bytes; }
            if tick == 599 { println!("{animals}: {} bytes/s over the first 30 s", all / 30); all = 0; }
        }
        println!("{animals}: {} bytes/s over 2 min", all / 120);
    }
}
