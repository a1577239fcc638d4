use downbeat::Replicate;

#[derive(Replicate)]
union Bits {
    whole: u32,
    parts: [u8; 4],
}

fn main() {}
