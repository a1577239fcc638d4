// src/sdk/bytes.ts
var e = class extends Error {
	name = "DecodeError";
	offset;
	constructor(e, t) {
		super(`${e} at byte ${t}`), this.offset = t;
	}
}, t = new TextDecoder("utf-8", {
	fatal: !0,
	ignoreBOM: !0
}), n = new TextEncoder(), r = class {
	bytes;
	view;
	at = 0;
	constructor(e) {
		this.bytes = e, this.view = new DataView(e.buffer, e.byteOffset, e.byteLength);
	}
	get offset() {
		return this.at;
	}
	get left() {
		return this.bytes.length - this.at;
	}
	fail(t) {
		throw new e(t, this.at);
	}
	finish() {
		this.left > 0 && this.fail(`${this.left} bytes left over`);
	}
	u8() {
		return this.view.getUint8(this.take(1));
	}
	i8() {
		return this.view.getInt8(this.take(1));
	}
	f32() {
		return this.view.getFloat32(this.take(4), !0);
	}
	f64() {
		return this.view.getFloat64(this.take(8), !0);
	}
	bool() {
		let e = this.u8();
		return e > 1 && this.fail(`bool is ${e}, expected 0 or 1`), e === 1;
	}
	varint(e) {
		let t = this.u8(), n;
		if (t < 251) n = t;
		else if (t === 251) n = this.view.getUint16(this.take(2), !0);
		else if (t === 252) n = this.view.getUint32(this.take(4), !0);
		else if (t === 253) {
			let t = this.view.getBigUint64(this.take(8), !0);
			t > BigInt(e) && this.fail(`number ${t} is larger than ${e}`), n = Number(t);
		} else return this.fail(`varint starts with ${t}`);
		return n > e && this.fail(`number ${n} is larger than ${e}`), n;
	}
	varintBig() {
		let e = this.u8();
		return e < 251 ? BigInt(e) : e === 251 ? BigInt(this.view.getUint16(this.take(2), !0)) : e === 252 ? BigInt(this.view.getUint32(this.take(4), !0)) : e === 253 ? this.view.getBigUint64(this.take(8), !0) : this.fail(`varint starts with ${e}`);
	}
	length(e) {
		let t = this.varint(4294967295);
		return t > (e > 0 ? Math.floor(this.left / e) : i) && this.fail(`length ${t} is more than the ${this.left} bytes left can hold`), t;
	}
	raw(e) {
		let t = this.take(e);
		return this.bytes.slice(t, t + e);
	}
	string() {
		let n = this.length(1), r = this.take(n);
		try {
			return t.decode(this.bytes.subarray(r, r + n));
		} catch {
			throw new e("string is not UTF-8", r);
		}
	}
	take(e) {
		e > this.left && this.fail(`${e} bytes expected, ${this.left} left`);
		let t = this.at;
		return this.at += e, t;
	}
}, i = 4096, a = class {
	bytes = /* @__PURE__ */ new Uint8Array(64);
	view = new DataView(this.bytes.buffer);
	at = 0;
	finish() {
		return this.bytes.slice(0, this.at);
	}
	u8(e) {
		let t = this.grow(1);
		this.view.setUint8(t, o(e, 0, 255));
	}
	i8(e) {
		let t = this.grow(1);
		this.view.setInt8(t, o(e, -128, 127));
	}
	f32(e) {
		let t = this.grow(4);
		this.view.setFloat32(t, e, !0);
	}
	f64(e) {
		let t = this.grow(8);
		this.view.setFloat64(t, e, !0);
	}
	varint(e) {
		if (o(e, 0, 2 ** 53 - 1), e < 251) this.u8(e);
		else if (e <= 65535) {
			this.u8(251);
			let t = this.grow(2);
			this.view.setUint16(t, e, !0);
		} else if (e <= 4294967295) {
			this.u8(252);
			let t = this.grow(4);
			this.view.setUint32(t, e, !0);
		} else this.varintBig(BigInt(e));
	}
	varintBig(e) {
		if (e < 0n || e > 18446744073709551615n) throw RangeError(`${e} is not a u64`);
		if (e <= 4294967295n) return this.varint(Number(e));
		this.u8(253);
		let t = this.grow(8);
		this.view.setBigUint64(t, e, !0);
	}
	raw(e) {
		let t = this.grow(e.length);
		this.bytes.set(e, t);
	}
	string(e) {
		let t = n.encode(e);
		this.varint(t.length), this.raw(t);
	}
	grow(e) {
		let t = this.at;
		if (this.at += e, this.at > this.bytes.length) {
			let e = new Uint8Array(Math.max(this.at, this.bytes.length * 2));
			e.set(this.bytes), this.bytes = e, this.view = new DataView(e.buffer);
		}
		return t;
	}
};
function o(e, t, n) {
	if (!Number.isInteger(e) || e < t || e > n) throw RangeError(`${e} is not an integer from ${t} to ${n}`);
	return e;
}
// src/sdk/backoff.ts
var s = 500, c = 15e3, ee = 400, te = /* @__PURE__ */ new Set([
	1e3,
	1007,
	4001,
	4003,
	4004,
	4009
]);
function l(e) {
	return te.has(e);
}
function u(e, t, n) {
	if (e === 1001 && t === 1) return Math.round(ee * n);
	let r = Math.min(c, s * 2 ** (t - 1));
	return Math.round(r * (.5 + .5 * n));
}
// src/sdk/connection.ts
var d = 5e3, f = 1e3, ne = class {
	state = { type: "idle" };
	open;
	random;
	events;
	transport = null;
	generation = 0;
	url = "";
	attempt = 0;
	timer;
	watch;
	openedAt = 0;
	heardAt = 0;
	constructor(e, t, n) {
		this.open = e, this.random = t, this.events = n;
	}
	connect(e) {
		this.drop(1e3, "bye"), this.url = e, this.attempt = 0, this.dial();
	}
	retry() {
		this.url === "" || this.transport || (this.attempt = 0, this.dial());
	}
	send(e) {
		this.state.type === "open" && this.transport?.send(e);
	}
	handleWelcome() {
		this.openedAt = performance.now(), this.enter({ type: "open" });
	}
	close(e, t) {
		this.drop(e, t), this.state.type !== "closed" && this.enter({
			type: "closed",
			code: e,
			reason: t
		});
	}
	sendFirst(e) {
		this.transport?.send(e);
	}
	dial() {
		clearTimeout(this.timer);
		let e = ++this.generation, t = (t) => {
			e === this.generation && t();
		};
		this.attempt === 0 && this.enter({ type: "connecting" }), this.heardAt = performance.now(), this.watch = setInterval(() => this.checkSilence(), f), this.transport = this.open(this.url, {
			open: () => t(() => this.events.opened()),
			message: (e) => t(() => {
				this.heardAt = performance.now(), this.events.message(e);
			}),
			close: (e, n) => t(() => this.handleClose(e, n))
		});
	}
	handleClose(e, t) {
		let n = this.state.type === "open" && performance.now() - this.openedAt >= d;
		if (this.drop(1e3, "bye"), l(e)) {
			this.enter({
				type: "closed",
				code: e,
				reason: t
			});
			return;
		}
		this.attempt = n ? 1 : this.attempt + 1;
		let r = u(e, this.attempt, this.random());
		this.timer = setTimeout(() => this.dial(), r), this.enter({
			type: "reconnecting",
			attempt: this.attempt,
			delayMs: r,
			code: e,
			reason: t
		});
	}
	checkSilence() {
		performance.now() - this.heardAt > 6e3 && this.handleClose(1006, "the server went silent");
	}
	drop(e, t) {
		clearTimeout(this.timer), clearInterval(this.watch), this.generation += 1;
		let { transport: n } = this;
		this.transport = null, n && n.close(e === 1e3 || e >= 3e3 ? e : 1e3, t);
	}
	enter(e) {
		this.state = e, this.events.state(e);
	}
}, re = class {
	listeners = /* @__PURE__ */ new Map();
	on(e, t) {
		let n = this.listeners.get(e);
		return n || this.listeners.set(e, n = /* @__PURE__ */ new Set()), n.add(t), () => n.delete(t);
	}
	emit(e, t) {
		for (let n of this.listeners.get(e) ?? []) n(t);
	}
}, p = (e) => ({
	encode: (t, n) => t.varint(o(n, 0, e)),
	decode: (t) => t.varint(e),
	bytesMin: 1
}), m = (e) => ({
	encode(t, n) {
		o(n, -e - 1, e), t.varint(n < 0 ? -n * 2 - 1 : n * 2);
	},
	decode(t) {
		let n = t.varint(e * 2 + 1);
		return n % 2 == 0 ? n / 2 : -(n + 1) / 2;
	},
	bytesMin: 1
}), h = {
	encode: (e, t) => e.u8(t),
	decode: (e) => e.u8(),
	bytesMin: 1
}, g = {
	encode: (e, t) => e.i8(t),
	decode: (e) => e.i8(),
	bytesMin: 1
}, _ = p(65535), v = p(4294967295), y = {
	encode: (e, t) => e.varintBig(t),
	decode: (e) => e.varintBig(),
	bytesMin: 1
}, ie = m(32767), ae = m(2147483647), oe = {
	encode: (e, t) => {
		if (BigInt.asIntN(64, t) !== t) throw RangeError(`${t} is not an i64`);
		e.varintBig(t < 0n ? -t * 2n - 1n : t * 2n);
	},
	decode: (e) => {
		let t = e.varintBig();
		return t & 1n ? -((t + 1n) / 2n) : t / 2n;
	},
	bytesMin: 1
}, se = {
	encode: (e, t) => e.f32(t),
	decode: (e) => e.f32(),
	bytesMin: 4
}, ce = {
	encode: (e, t) => e.f64(t),
	decode: (e) => e.f64(),
	bytesMin: 8
}, le = {
	encode: (e, t) => e.u8(+!!t),
	decode: (e) => e.bool(),
	bytesMin: 1
}, b = {
	encode: (e, t) => e.string(t),
	decode: (e) => e.string(),
	bytesMin: 1
}, x = {
	encode: () => {},
	decode: () => null,
	bytesMin: 0,
	unit: !0
}, ue = {
	encode(e, t) {
		e.varint(t.length), e.raw(t);
	},
	decode: (e) => e.raw(e.length(1)),
	bytesMin: 1
};
function S(e) {
	return {
		encode(t, n) {
			t.varint(n.length);
			for (let r of n) e.encode(t, r);
		},
		decode(t) {
			let n = t.length(e.bytesMin), r = [];
			for (let i = 0; i < n; i++) r.push(e.decode(t));
			return r;
		},
		bytesMin: 1
	};
}
function C(e) {
	return {
		encode(t, n) {
			t.u8(n === null ? 0 : 1), n !== null && e.encode(t, n);
		},
		decode: (t) => t.bool() ? e.decode(t) : null,
		bytesMin: 1
	};
}
function w(...e) {
	return {
		encode(t, n) {
			e.forEach((e, r) => e.encode(t, n[r]));
		},
		decode: (t) => e.map((e) => e.decode(t)),
		bytesMin: e.reduce((e, t) => e + t.bytesMin, 0)
	};
}
function T(e) {
	let t = Object.entries(e);
	return {
		encode(e, n) {
			let r = n;
			for (let [n, i] of t) i.encode(e, r[n]);
		},
		decode(e) {
			let n = {};
			for (let [r, i] of t) n[r] = i.decode(e);
			return n;
		},
		bytesMin: t.reduce((e, [, t]) => e + t.bytesMin, 0),
		fields: t
	};
}
function E(e) {
	let t = Object.entries(e), n = new Map(t.map(([e], t) => [e, t]));
	return {
		encode(e, r) {
			let i = r, a = n.get(i.type);
			if (a === void 0) throw RangeError(`no variant ${i.type}`);
			let o = t[a][1];
			e.varint(a), o.encode(e, o.fields ? i : i.value);
		},
		decode(e) {
			let n = t[e.varint(4294967295)];
			if (!n) return e.fail(`no such variant, expected one of ${t.map(([e]) => e)}`);
			let [r, i] = n, a = i.decode(e);
			return i.fields ? {
				type: r,
				...a
			} : "unit" in i ? { type: r } : {
				type: r,
				value: a
			};
		},
		bytesMin: 1 + Math.min(...t.map(([, e]) => e.bytesMin))
	};
}
function D(...e) {
	return {
		encode(t, n) {
			let r = e.indexOf(n);
			if (r < 0) throw RangeError(`no variant ${n}, expected one of ${e}`);
			t.varint(r);
		},
		decode: (t) => e[t.varint(4294967295)] ?? t.fail(`no such variant, expected one of ${e}`),
		bytesMin: 1
	};
}
var O = {
	encode(e, t) {
		e.f32(t.x), e.f32(t.y);
	},
	decode: (e) => ({
		x: e.f32(),
		y: e.f32()
	}),
	bytesMin: 8
};
// src/sdk/update.ts
function k(e, t) {
	let n = e.fields, r = n ? n.length : 1, i = t.varintBig();
	i >> BigInt(r) && t.fail(`mask ${i} names fields beyond the ${r} there are`);
	let a = [];
	for (let o = 0; o < r; o++) {
		if (!(i >> BigInt(o) & 1n)) continue;
		let r = n ? n[o][1] : e;
		a.push([o, r.decode(t)]);
	}
	return a;
}
function A(e, t, n) {
	let r = 0n;
	for (let [e] of n) r |= 1n << BigInt(e);
	t.varintBig(r);
	for (let [r, i] of n) (e.fields ? e.fields[r][1] : e).encode(t, i);
}
function j(e, t) {
	return t.length === (e.fields ? e.fields.length : 1);
}
function M(e, t, n) {
	if (!e.fields) return n.length > 0 ? n[0][1] : t;
	let r = { ...t };
	for (let [t, i] of n) r[e.fields[t][0]] = i;
	return r;
}
// src/sdk/protocol.ts
var N = "downbeat.v1", P = 4096;
function F(e) {
	return e;
}
var I = E({
	Avatar: T({ entity: v }),
	Player: x,
	Spectator: x
}), L = T({
	player: v,
	seat: I,
	tick: v,
	tickRateHz: _,
	game: b,
	room: b,
	name: b
}), R = T({
	token: v,
	tick: v
}), z = 1, B = 2;
function V(t, n) {
	if (t.length > 8192) throw new e(`message of ${t.length} bytes`, 0);
	let i = new r(t), a = i.u8(), o;
	if (a === 0) o = {
		type: "Welcome",
		...L.decode(i)
	};
	else if (a === 1) o = H(i, n);
	else if (a === 2) o = {
		type: "Pong",
		...R.decode(i)
	};
	else return i.fail(`no message ${a}`);
	return i.finish(), o;
}
function H(e, t) {
	let n = e.u8();
	n & -4 && e.fail(`unknown flags ${n}`);
	let r = {
		type: "Frame",
		reset: (n & z) !== 0,
		more: (n & B) !== 0,
		tick: v.decode(e),
		due: v.decode(e),
		inputAck: v.decode(e),
		refused: [],
		seat: null,
		private: null,
		events: [],
		shared: null,
		removed: [],
		added: [],
		changed: []
	}, i = 0;
	for (; e.left > 0;) {
		let n = e.u8();
		n < i && e.fail(`section ${n} after section ${i}`), i = n, U(e, t, r, n);
	}
	return r;
}
function U(e, t, n, r) {
	let i = (t, n) => Array.from({ length: e.length(t) }, n);
	switch (r) {
		case 1:
			n.refused.push(...i(1, () => v.decode(e)));
			break;
		case 2:
			n.seat = I.decode(e);
			break;
		case 3:
			n.private = k(t.private, e);
			break;
		case 4:
			n.events.push(...i(t.event.bytesMin, () => t.event.decode(e)));
			break;
		case 5:
			n.shared = k(t.shared, e);
			break;
		case 6:
			n.removed.push(...i(1, () => v.decode(e)));
			break;
		case 7:
			n.added.push(...i(1 + t.entity.bytesMin, () => [v.decode(e), t.entity.decode(e)]));
			break;
		case 8:
			n.changed.push(...i(2, () => [v.decode(e), k(t.entity, e)]));
			break;
		default: e.fail(`no section ${r}`);
	}
}
function W(e, t) {
	let n = new a();
	switch (e.type) {
		case "Hello":
			n.u8(0), b.encode(n, e.name);
			break;
		case "Input":
			n.u8(1), v.encode(n, e.seq), v.encode(n, e.seen), t.input.encode(n, e.input);
			break;
		case "Seen":
			n.u8(2), v.encode(n, e.seen);
			break;
		case "Ping": n.u8(3), v.encode(n, e.seen), v.encode(n, e.token);
	}
	let r = n.finish();
	if (r.length > 4096) throw RangeError(`message of ${r.length} bytes, at most ${P} are allowed`);
	return r;
}
// src/sdk/transport.ts
var de = (e, t) => {
	let n = new WebSocket(e, N);
	return n.binaryType = "arraybuffer", n.onopen = () => t.open(), n.onmessage = ({ data: e }) => {
		t.message(e instanceof ArrayBuffer ? new Uint8Array(e) : /* @__PURE__ */ new Uint8Array());
	}, n.onclose = ({ code: e, reason: n }) => t.close(e, n), {
		send: (e) => n.send(e),
		close: (e, t) => n.close(e, t)
	};
}, G = class extends Error {
	name = "ViewError";
}, K = 1024, q = class {
	entities = /* @__PURE__ */ new Map();
	shared = null;
	private = null;
	seat = { type: "Spectator" };
	player = 0;
	name = "";
	tick = 0;
	tickRateHz = 20;
	due = 0;
	inputAck = 0;
	game;
	parts = [];
	constructor(e) {
		this.game = e;
	}
	get avatar() {
		return this.seat.type === "Avatar" ? this.seat.entity : null;
	}
	handleWelcome(e) {
		this.parts = [], this.seat = e.seat, this.player = e.player, this.name = e.name, this.tick = e.tick, this.tickRateHz = e.tickRateHz, this.due = 0, this.inputAck = 0;
	}
	handleFrame(e) {
		let t = this.parts[0];
		if (t && t.tick !== e.tick) throw new G(`tick ${e.tick} came before the rest of tick ${t.tick}`);
		if (this.parts.push(e), this.parts.length > K) throw new G(`tick ${e.tick} has more than ${K} messages`);
		if (e.more) return null;
		let n = this.parts;
		this.parts = [];
		let r = {
			tick: e.tick,
			reset: !1,
			heartbeat: e.due === this.due && n.length === 1 && fe(e),
			added: [],
			changed: [],
			removed: [],
			events: [],
			refused: []
		};
		for (let e of n) this.apply(e, r);
		return r;
	}
	apply(e, t) {
		e.reset && (this.entities.clear(), this.shared = null, this.private = null, t.reset = !0, t.added = [], t.changed = [], t.removed = []), this.tick = e.tick, this.due = e.due, this.inputAck = e.inputAck, t.refused.push(...e.refused), t.events.push(...e.events), e.seat && (this.seat = e.seat);
		let { game: n } = this;
		if (e.private) {
			if (this.private === null && !j(n.private, e.private)) throw new G("private state came in part first");
			this.private = M(n.private, this.private, e.private);
		}
		if (e.shared) {
			if (this.shared === null && !j(n.shared, e.shared)) throw new G("shared state came in part first");
			this.shared = M(n.shared, this.shared, e.shared);
		}
		for (let n of e.removed) {
			if (!this.entities.delete(n)) throw new G(`entity ${n} was removed and is not there`);
			t.removed.push(n);
		}
		for (let [n, r] of e.added) this.entities.set(n, r), t.added.push(n);
		for (let [r, i] of e.changed) {
			let e = this.entities.get(r);
			if (e === void 0) throw new G(`entity ${r} was changed and is not there`);
			this.entities.set(r, M(n.entity, e, i)), t.changed.push(r);
		}
	}
};
function fe(e) {
	return !e.reset && !e.seat && !e.private && !e.shared && e.refused.length + e.events.length + e.removed.length + e.added.length + e.changed.length === 0;
}
// src/sdk/client.ts
var pe = 1e3, me = 1500, he = 24;
function ge(e) {
	return new J(e);
}
var J = class extends re {
	view;
	rtt = null;
	bytesReceived = 0;
	name;
	room = "";
	game;
	url;
	connection;
	timers = [];
	seq = 0;
	spokeAt = 0;
	token = 0;
	pingedAt = 0;
	constructor(e) {
		super(), this.game = e.game, this.name = e.name ?? "", this.url = e.url ?? ve(), this.view = new q(e.game), this.connection = new ne(e.transport ?? de, e.random ?? Math.random, {
			state: (e) => this.handleState(e),
			opened: () => this.connection.sendFirst(this.encode({
				type: "Hello",
				name: _e(this.name)
			})),
			message: (e) => this.handleMessage(e)
		});
	}
	get state() {
		return this.connection.state;
	}
	join(e) {
		if (!/^(?!\.)[A-Za-z0-9._-]{1,64}$/.test(e)) throw RangeError(`room name "${e}" is not 1–64 of A–Z a–z 0–9 . _ -, or starts with a dot`);
		this.room = e, this.connection.connect(`${this.url}/ws/${this.game.name}/${e}`);
	}
	leave() {
		this.connection.close(1e3, "bye");
	}
	retry() {
		this.connection.retry();
	}
	input(e) {
		if (this.state.type !== "open") return 0;
		let t = this.seq + 1;
		return this.send({
			type: "Input",
			seq: t,
			seen: this.view.tick,
			input: e
		}), this.seq = t, t;
	}
	handleState(e) {
		for (let e of this.timers) clearInterval(e);
		this.timers = [], e.type === "open" && (this.timers = [setInterval(() => this.sendSeen(), pe / 4), setInterval(() => this.ping(), me)]), this.emit("state", e);
	}
	handleMessage(t) {
		this.bytesReceived += t.length;
		try {
			let e = V(t, this.game);
			if (e.type === "Welcome" == (this.state.type === "open")) throw new G(`${e.type} came in state ${this.state.type}`);
			e.type === "Welcome" ? this.handleWelcome(e) : e.type === "Frame" ? this.handleFrame(e) : this.handlePong(e);
		} catch (t) {
			if (!(t instanceof e || t instanceof G)) throw t;
			this.connection.close(4009, `protocol mismatch: ${t.message}`.slice(0, 120));
		}
	}
	handleWelcome(e) {
		this.seq = 0, this.view.handleWelcome(e), this.emit("welcome", e), this.connection.handleWelcome(), this.ping();
	}
	handleFrame(e) {
		let t = this.view.handleFrame(e);
		if (this.sendSeen(), t) {
			this.emit("frame", t);
			for (let e of t.refused) this.emit("refused", e);
			for (let e of t.events) this.emit("event", e);
		}
	}
	handlePong(e) {
		e.token === this.token && (this.rtt = performance.now() - this.pingedAt, this.emit("rtt", this.rtt));
	}
	ping() {
		this.token = (this.token + 1) % 4294967296, this.pingedAt = performance.now(), this.send({
			type: "Ping",
			seen: this.view.tick,
			token: this.token
		});
	}
	sendSeen() {
		performance.now() - this.spokeAt >= 1e3 && this.send({
			type: "Seen",
			seen: this.view.tick
		});
	}
	send(e) {
		this.connection.send(this.encode(e)), this.spokeAt = performance.now();
	}
	encode(e) {
		return W(e, this.game);
	}
};
function _e(e) {
	return [...e].slice(0, 24).join("");
}
function ve() {
	return location.origin.replace(/^http/, "ws");
}
// src/sdk/clock.ts
var Y = 1.5, ye = .02, be = .04, xe = 400, Se = 250, X = 12, Ce = 80, Z = class {
	periodMs;
	groups = [];
	arrivals = [];
	pace = 1;
	delay = 2;
	drawn = null;
	fresh = !0;
	drawnAt = 0;
	constructor(e) {
		this.periodMs = 1e3 / e;
	}
	get delayTicks() {
		return this.delay;
	}
	get tickMs() {
		return this.periodMs;
	}
	restart(e) {
		this.periodMs = 1e3 / e, this.groups = [], this.arrivals = [], this.pace = 1, this.delay = 2, this.fresh = !0;
	}
	handleArrival(e, t) {
		let n = t - e * this.periodMs, r = this.groups.at(-1);
		!r || t - r.from >= Se ? (this.groups.push({
			from: t,
			offset: n,
			at: t
		}), this.groups.length > X && this.groups.shift(), this.pace = this.measuredPace()) : n < r.offset && (r.offset = n, r.at = t);
		let i = Math.min(n - this.offsetAt(t), 5 * this.periodMs);
		this.arrivals.push(Math.max(0, i)), this.arrivals.length > Ce && this.arrivals.shift();
		let a = Y + this.jitterMs() / this.periodMs;
		this.delay = Math.min(5, Math.max(Y, a));
	}
	serverTick(e) {
		return (e - this.offsetAt(e)) / this.periodMs;
	}
	renderTick(e) {
		if (this.groups.length === 0) return this.drawn ?? 0;
		let t = this.serverTick(e) - this.delay;
		if (this.drawn === null || this.fresh) this.drawn = t, this.fresh = !1;
		else {
			let n = Math.max(0, e - this.drawnAt) / this.periodMs, r = this.drawn + n * this.pace, i = t - r;
			this.drawn = Math.abs(i) * this.periodMs > xe ? t : r + Math.min(n * ye, Math.max(-n * be, i));
		}
		return this.drawnAt = e, this.drawn;
	}
	jitterMs() {
		let e = [...this.arrivals].sort((e, t) => e - t);
		return e[Math.floor(e.length * .95)] ?? 0;
	}
	offsetAt(e) {
		let t = Infinity;
		for (let n of this.groups) t = Math.min(t, n.offset + (e - n.at) * (1 - this.pace));
		return t;
	}
	measuredPace() {
		if (this.groups.length < X) return 1;
		let e = X / 2, t = (e) => e.reduce((e, t) => t.offset < e.offset ? t : e), n = t(this.groups.slice(0, e)), r = t(this.groups.slice(e, -1)), i = (r.offset - n.offset) / Math.max(1, r.at - n.at);
		return Math.abs(i) < .05 ? 1 : Math.min(1.5, Math.max(.1, 1 - i));
	}
}, we = 4, Q = 3, Te = 16, Ee = 3, $ = class {
	tracks = /* @__PURE__ */ new Map();
	newestTick = 0;
	moved = 0;
	tickMs;
	constructor(e) {
		this.tickMs = 1e3 / e;
	}
	reset(e) {
		this.tickMs = 1e3 / e, this.tracks.clear(), this.newestTick = 0, this.moved = 0;
	}
	handleTick(e) {
		this.newestTick = e, this.moved = 0;
	}
	handleRemoved(e) {
		this.tracks.delete(e);
	}
	handleSample(e, t, n, r, i) {
		let a = this.tracks.get(e);
		a || (a = {
			samples: [],
			guessed: !1,
			drawnX: n,
			drawnY: r,
			errorX: 0,
			errorY: 0,
			errorMs: 0
		}, this.tracks.set(e, a));
		let { samples: o } = a, s = o.at(-1);
		for (s && t <= s.tick ? o.pop() : s && t - s.tick > Q && o.push({
			...s,
			tick: t - 1
		}), s && (s.x !== n || s.y !== r) && (this.moved += 1), o.push({
			tick: t,
			x: n,
			y: r,
			turn: i
		}); o.length > Te;) o.shift();
	}
	pose(e, t, n) {
		let r = this.tracks.get(e);
		if (!r) return null;
		let i = t - this.newestTick, a = i > 0 && this.moved >= Ee, o = a ? ke(r.samples, this.newestTick, i * this.tickMs, this.tickMs) : Oe(r.samples, t);
		if (r.guessed && !a && De(r, o), r.guessed = a, r.errorMs > 0) {
			r.errorMs = Math.max(0, r.errorMs - n);
			let e = (r.errorMs / 100) ** 2;
			o.x += r.errorX * e, o.y += r.errorY * e;
		}
		return r.drawnX = o.x, r.drawnY = o.y, o;
	}
};
function De(e, t) {
	e.errorX = e.drawnX - t.x, e.errorY = e.drawnY - t.y, e.errorMs = Math.hypot(e.errorX, e.errorY) > we ? 0 : 100;
}
function Oe(e, t) {
	let n = e.length - 1, r = e[n];
	if (t >= r.tick) return {
		x: r.x,
		y: r.y,
		turn: r.turn
	};
	for (; n > 0 && e[n - 1].tick > t;) --n;
	let i = e[n], a = e[n - 1];
	if (!a) return {
		x: i.x,
		y: i.y,
		turn: i.turn
	};
	let o = (t - a.tick) / (i.tick - a.tick);
	return {
		x: a.x + (i.x - a.x) * o,
		y: a.y + (i.y - a.y) * o,
		turn: Ae(a.turn, i.turn, o)
	};
}
function ke(e, t, n, r) {
	let i = e.at(-1), a = e.at(-2);
	if (!a || i.tick !== t || i.tick - a.tick > Q) return {
		x: i.x,
		y: i.y,
		turn: i.turn
	};
	let o = Math.min(n, 250), s = (o - o * o / 500) / r / (i.tick - a.tick);
	return {
		x: i.x + (i.x - a.x) * s,
		y: i.y + (i.y - a.y) * s,
		turn: i.turn
	};
}
function Ae(e, t, n) {
	return (e + ((t - e + 384) % 256 - 128) * n + 256) % 256;
}
// src/sdk/playback.ts
var je = class {
	clock;
	motion;
	client;
	placeOf;
	tick = 0;
	beganAt = 0;
	elapsedMs = 0;
	constructor(e, t) {
		this.client = e, this.placeOf = t, this.clock = new Z(e.view.tickRateHz), this.motion = new $(e.view.tickRateHz), e.on("welcome", ({ tickRateHz: e }) => this.clock.restart(e)), e.on("frame", (t) => {
			t.reset && this.motion.reset(e.view.tickRateHz), this.clock.handleArrival(t.tick, performance.now()), this.motion.handleTick(t.tick);
			for (let e of t.removed) this.motion.handleRemoved(e);
			for (let e of t.added) this.record(e, t.tick);
			for (let e of t.changed) this.record(e, t.tick);
		});
	}
	begin(e) {
		return this.elapsedMs = Math.max(0, e - this.beganAt), this.beganAt = e, this.tick = this.clock.renderTick(e), this.tick;
	}
	pose(e) {
		return this.motion.pose(e, this.tick, this.elapsedMs);
	}
	record(e, t) {
		let n = this.client.view.entities.get(e);
		if (n === void 0) return;
		let { x: r, y: i, turn: a } = this.placeOf(n);
		this.motion.handleSample(e, t, r, i, a);
	}
};
export { J as Client, e as DecodeError, $ as Motion, he as NAME_CHARS_MAX, je as Playback, r as Reader, Z as TickClock, q as View, G as ViewError, a as Writer, M as applyUpdate, le as bool, ue as bytes, ge as connect, V as decodeServerMessage, k as decodeUpdate, F as defineGame, W as encodeClientMessage, A as encodeUpdate, se as f32, ce as f64, ie as i16, ae as i32, oe as i64, g as i8, S as list, D as names, C as option, b as str, T as struct, w as tuple, _ as u16, v as u32, y as u64, h as u8, x as unit, E as variants, O as vec2 };
