struct Field;

#[downbeat::game(fast)]
impl Default for Field {
    fn default() -> Self {
        Self
    }
}

#[downbeat::game]
impl Field {}

fn main() {}
