/**
 * Reading and writing the primitive values of PROTOCOL.md § Encoding.
 *
 * In: bytes of a message. Out: numbers, strings, and `DecodeError` for anything that is not one.
 * Knows nothing of messages or games.
 */

/** The bytes do not hold what was expected. The message names the value and the offset. */
export class DecodeError extends Error {
  override readonly name = 'DecodeError';
  readonly offset: number;

  constructor(what: string, offset: number) {
    super(`${what} at byte ${offset}`);
    this.offset = offset;
  }
}

const utf8Decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const utf8Encoder = new TextEncoder();

/** Reads values from the front of a message; every read is checked against the bytes that are left. */
export class Reader {
  private readonly bytes: Uint8Array;
  private readonly view: DataView;
  private at = 0;
  /** Elements without bytes that this message has claimed so far. */
  private empties = 0;
  private bitAt = 0;
  private bitEnd = 0;
  /** The halves of what `mask` or `bitmap` has read: 64 bits without a `bigint` for each. */
  low = 0;
  high = 0;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  get offset(): number {
    return this.at;
  }

  get left(): number {
    return this.bytes.length - this.at;
  }

  fail(what: string): never {
    throw new DecodeError(what, this.at);
  }

  /** Refuses a message that goes on where it should have ended. */
  finish(): void {
    if (this.left > 0) this.fail(`${this.left} bytes left over`);
  }

  u8(): number {
    return this.view.getUint8(this.take(1));
  }

  i8(): number {
    return this.view.getInt8(this.take(1));
  }

  /** Two bytes; `u16` in a struct is a varint. */
  fixed16(): number {
    return this.view.getUint16(this.take(2), true);
  }

  i24(): number {
    const start = this.take(3);
    return this.view.getUint16(start, true) | (this.view.getInt8(start + 2) << 16);
  }

  f32(): number {
    return this.view.getFloat32(this.take(4), true);
  }

  f64(): number {
    return this.view.getFloat64(this.take(8), true);
  }

  bool(): boolean {
    const byte = this.u8();
    if (byte > 1) this.fail(`bool is ${byte}, expected 0 or 1`);
    return byte === 1;
  }

  /** A varint that must fit `max`; longer spellings than needed are accepted, as bincode does. */
  varint(max: number): number {
    const first = this.u8();
    let value: number;
    if (first < 251) value = first;
    else if (first === 251) value = this.view.getUint16(this.take(2), true);
    else if (first === 252) value = this.view.getUint32(this.take(4), true);
    else if (first === 253) {
      const wide = this.view.getBigUint64(this.take(8), true);
      if (wide > BigInt(max)) this.fail(`number ${wide} is larger than ${max}`);
      value = Number(wide);
    } else return this.fail(`varint starts with ${first}`);
    if (value > max) this.fail(`number ${value} is larger than ${max}`);
    return value;
  }

  varintBig(): bigint {
    const first = this.u8();
    if (first < 251) return BigInt(first);
    if (first === 251) return BigInt(this.view.getUint16(this.take(2), true));
    if (first === 252) return BigInt(this.view.getUint32(this.take(4), true));
    if (first === 253) return this.view.getBigUint64(this.take(8), true);
    return this.fail(`varint starts with ${first}`);
  }

  /** Reads a varint `u64` into `low` and `high`. */
  mask(): void {
    const first = this.u8();
    this.high = 0;
    if (first < 251) this.low = first;
    else if (first === 251) this.low = this.fixed16();
    else if (first === 252) this.low = this.view.getUint32(this.take(4), true);
    else if (first === 253) {
      const start = this.take(8);
      this.low = this.view.getUint32(start, true);
      this.high = this.view.getUint32(start + 4, true);
    } else this.fail(`varint starts with ${first}`);
  }

  /** Reads a bitmap of up to eight bytes into `low` and `high`; returns how many bits are set. */
  bitmap(byteCount: number): number {
    const start = this.take(byteCount);
    this.low = 0;
    this.high = 0;
    for (let i = 0; i < byteCount; i++) {
      const byte = this.bytes[start + i]!;
      if (i < 4) this.low = (this.low | (byte << (i * 8))) >>> 0;
      else this.high = (this.high | (byte << ((i - 4) * 8))) >>> 0;
    }
    return bitCount(this.low) + bitCount(this.high);
  }

  /** Starts a run of `count` bits, least significant first; `bits` reads it, `closeBits` ends it. */
  openBits(count: number): void {
    this.bitAt = this.take((count + 7) >> 3) * 8;
    this.bitEnd = this.bitAt + count;
  }

  /** The next `width` bits of the run, at most 16. */
  bits(width: number): number {
    const byte = this.bitAt >> 3;
    const shift = this.bitAt & 7;
    this.bitAt += width;
    // Beyond the end of the message there is `undefined`, which shifts to 0; no bit of it is used.
    const word = this.bytes[byte]! | (this.bytes[byte + 1]! << 8) | (this.bytes[byte + 2]! << 16);
    return (word >> shift) & ((1 << width) - 1);
  }

  /** As `bits`, in two's complement. */
  signedBits(width: number): number {
    return (this.bits(width) << (32 - width)) >> (32 - width);
  }

  /** Refuses a padding that is not zeros. */
  closeBits(): void {
    const padding = -this.bitEnd & 7;
    if (padding > 0 && this.bits(padding) !== 0) this.fail('padding bits are not zero');
  }

  /**
   * The length of a list whose elements take at least `elementBytesMin` each. A length that the
   * bytes left cannot hold is refused here, before anything is allocated for it.
   */
  length(elementBytesMin: number): number {
    const count = this.varint(0xffff_ffff);
    const fits = elementBytesMin > 0 ? Math.floor(this.left / elementBytesMin) : EMPTY_ELEMENTS_MAX - this.empties;
    if (count > fits) this.fail(`length ${count} is more than the ${this.left} bytes left can hold`);
    if (elementBytesMin === 0) this.empties += count;
    return count;
  }

  /** A copy of what was read since `start`. */
  since(start: number): Uint8Array {
    return this.bytes.slice(start, this.at);
  }

  raw(count: number): Uint8Array {
    const start = this.take(count);
    return this.bytes.slice(start, start + count);
  }

  string(): string {
    const count = this.length(1);
    const start = this.take(count);
    try {
      return utf8Decoder.decode(this.bytes.subarray(start, start + count));
    } catch {
      throw new DecodeError('string is not UTF-8', start);
    }
  }

  private take(count: number): number {
    if (count > this.left) this.fail(`${count} bytes expected, ${this.left} left`);
    const start = this.at;
    this.at += count;
    return start;
  }
}

/** Elements without bytes cost nothing on the wire, so their number in a message needs a limit. */
const EMPTY_ELEMENTS_MAX = 4096;

function bitCount(word: number): number {
  let count = 0;
  // Clears the lowest bit that is set until none is left.
  for (let rest = word; rest !== 0; rest &= rest - 1) count += 1;
  return count;
}

/** Appends values to a message that grows as needed. */
export class Writer {
  private bytes = new Uint8Array(64);
  private view = new DataView(this.bytes.buffer);
  private at = 0;

  get length(): number {
    return this.at;
  }

  finish(): Uint8Array {
    return this.bytes.slice(0, this.at);
  }

  u8(value: number): void {
    const start = this.grow(1);
    this.view.setUint8(start, integerIn(value, 0, 0xff));
  }

  i8(value: number): void {
    const start = this.grow(1);
    this.view.setInt8(start, integerIn(value, -0x80, 0x7f));
  }

  fixed16(value: number): void {
    const start = this.grow(2);
    this.view.setUint16(start, integerIn(value, 0, 0xffff), true);
  }

  fixed32(value: number): void {
    const start = this.grow(4);
    this.view.setUint32(start, integerIn(value, 0, 0xffff_ffff), true);
  }

  f32(value: number): void {
    const start = this.grow(4);
    this.view.setFloat32(start, value, true);
  }

  f64(value: number): void {
    const start = this.grow(8);
    this.view.setFloat64(start, value, true);
  }

  varint(value: number): void {
    integerIn(value, 0, Number.MAX_SAFE_INTEGER);
    if (value < 251) this.u8(value);
    else if (value <= 0xffff) {
      this.u8(251);
      const start = this.grow(2);
      this.view.setUint16(start, value, true);
    } else if (value <= 0xffff_ffff) {
      this.u8(252);
      const start = this.grow(4);
      this.view.setUint32(start, value, true);
    } else this.varintBig(BigInt(value));
  }

  varintBig(value: bigint): void {
    if (value < 0n || value > 0xffff_ffff_ffff_ffffn) throw new RangeError(`${value} is not a u64`);
    if (value <= 0xffff_ffffn) return this.varint(Number(value));
    this.u8(253);
    const start = this.grow(8);
    this.view.setBigUint64(start, value, true);
  }

  raw(bytes: Uint8Array): void {
    const start = this.grow(bytes.length);
    this.bytes.set(bytes, start);
  }

  string(value: string): void {
    const encoded = utf8Encoder.encode(value);
    this.varint(encoded.length);
    this.raw(encoded);
  }

  /** Makes room and returns where it is. It may replace `view`: call it before that is read. */
  private grow(count: number): number {
    const start = this.at;
    this.at += count;
    if (this.at > this.bytes.length) {
      const larger = new Uint8Array(Math.max(this.at, this.bytes.length * 2));
      larger.set(this.bytes);
      this.bytes = larger;
      this.view = new DataView(larger.buffer);
    }
    return start;
  }
}

/** Returns `value` if it is an integer within the bounds; a silent wrap would be another input. */
export function integerIn(value: number, min: number, max: number): number {
  if (!Number.isInteger(value) || value < min || value > max) {
    throw new RangeError(`${value} is not an integer from ${min} to ${max}`);
  }
  return value;
}
