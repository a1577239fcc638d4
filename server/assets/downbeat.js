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
	empties = 0;
	bitAt = 0;
	bitEnd = 0;
	low = 0;
	high = 0;
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
	fixed16() {
		return this.view.getUint16(this.take(2), !0);
	}
	i24() {
		let e = this.take(3);
		return this.view.getUint16(e, !0) | this.view.getInt8(e + 2) << 16;
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
	mask() {
		let e = this.u8();
		if (this.high = 0, e < 251) this.low = e;
		else if (e === 251) this.low = this.fixed16();
		else if (e === 252) this.low = this.view.getUint32(this.take(4), !0);
		else if (e === 253) {
			let e = this.take(8);
			this.low = this.view.getUint32(e, !0), this.high = this.view.getUint32(e + 4, !0);
		} else this.fail(`varint starts with ${e}`);
	}
	bitmap(e) {
		let t = this.take(e);
		this.low = 0, this.high = 0;
		for (let n = 0; n < e; n++) {
			let e = this.bytes[t + n];
			n < 4 ? this.low = (this.low | e << n * 8) >>> 0 : this.high = (this.high | e << (n - 4) * 8) >>> 0;
		}
		return a(this.low) + a(this.high);
	}
	openBits(e) {
		this.bitAt = this.take(e + 7 >> 3) * 8, this.bitEnd = this.bitAt + e;
	}
	bits(e) {
		let t = this.bitAt >> 3, n = this.bitAt & 7;
		return this.bitAt += e, (this.bytes[t] | this.bytes[t + 1] << 8 | this.bytes[t + 2] << 16) >> n & (1 << e) - 1;
	}
	signedBits(e) {
		return this.bits(e) << 32 - e >> 32 - e;
	}
	closeBits() {
		let e = -this.bitEnd & 7;
		e > 0 && this.bits(e) !== 0 && this.fail("padding bits are not zero");
	}
	length(e) {
		let t = this.varint(4294967295);
		return t > (e > 0 ? Math.floor(this.left / e) : i - this.empties) && this.fail(`length ${t} is more than the ${this.left} bytes left can hold`), e === 0 && (this.empties += t), t;
	}
	since(e) {
		return this.bytes.slice(e, this.at);
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
}, i = 4096;
function a(e) {
	let t = 0;
	for (let n = e; n !== 0; n &= n - 1) t += 1;
	return t;
}
var o = class {
	bytes = /* @__PURE__ */ new Uint8Array(64);
	view = new DataView(this.bytes.buffer);
	at = 0;
	get length() {
		return this.at;
	}
	finish() {
		return this.bytes.slice(0, this.at);
	}
	u8(e) {
		let t = this.grow(1);
		this.view.setUint8(t, s(e, 0, 255));
	}
	i8(e) {
		let t = this.grow(1);
		this.view.setInt8(t, s(e, -128, 127));
	}
	fixed16(e) {
		let t = this.grow(2);
		this.view.setUint16(t, s(e, 0, 65535), !0);
	}
	fixed32(e) {
		let t = this.grow(4);
		this.view.setUint32(t, s(e, 0, 4294967295), !0);
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
		if (s(e, 0, 2 ** 53 - 1), e < 251) this.u8(e);
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
function s(e, t, n) {
	if (!Number.isInteger(e) || e < t || e > n) throw RangeError(`${e} is not an integer from ${t} to ${n}`);
	return e;
}
// src/sdk/backoff.ts
var c = 500, l = 15e3, u = 400, d = /* @__PURE__ */ new Set([
	1e3,
	1007,
	4001,
	4003,
	4004,
	4009
]);
function f(e) {
	return d.has(e);
}
function p(e, t, n) {
	if (e === 1001 && t === 1) return Math.round(u * n);
	let r = Math.min(l, c * 2 ** (t - 1));
	return Math.round(r * (.5 + .5 * n));
}
// src/sdk/credentials.ts
var m = class extends Error {}, ee = 2, h = /^[A-Za-z0-9._~-]{1,512}$/, te = class {
	resuming = !1;
	options;
	url;
	path = "";
	token = "";
	refusals = 0;
	constructor(e, t) {
		this.options = e, this.url = t;
	}
	enter(e, t) {
		this.path = `${e}/${t}`, this.token = this.options.keep === "tab" ? ie(this.key) : "", this.refusals = 0;
	}
	show() {
		if (this.resuming = this.token !== "", this.resuming) return `resume.${this.token}`;
		let { ticket: e, session: t } = this.options;
		return e ? ne(e()) : t ? ne(this.fetchTicket()) : null;
	}
	handleWelcome(e) {
		this.token = h.test(e) ? e : "", this.refusals = 0;
	}
	handleRefused() {
		if (!this.resuming) return;
		let { token: e } = this;
		re(this.url).then((t) => {
			t && e === this.token && (this.refusals += 1, this.refusals >= ee && this.forget());
		}, () => {});
	}
	forget() {
		this.token = "", this.refusals = 0;
	}
	handlePageGone() {
		return this.options.keep === "tab" && this.token !== "" && ae(this.key, this.token);
	}
	get key() {
		return `downbeat:resume:${this.url}/${this.path}`;
	}
	async fetchTicket() {
		let [e, t] = this.path.split("/"), n = await fetch(`${g(this.url)}/api/ticket`, {
			method: "POST",
			headers: { "Content-Type": "application/json" },
			body: JSON.stringify({
				game: e,
				room: t
			}),
			credentials: "same-origin"
		});
		if (n.ok) return (await n.json()).ticket;
		throw n.status === 429 || n.status >= 500 ? Error(`no ticket at the moment (${n.status})`) : new m(n.status === 401 ? "not signed in" : `no ticket (${n.status})`);
	}
};
async function ne(e) {
	let t = await e;
	if (!h.test(t)) throw new m("the ticket is none");
	return `ticket.${t}`;
}
async function re(e) {
	return await fetch(`${g(e)}/healthz`, {
		mode: "no-cors",
		cache: "no-store"
	}), !0;
}
function g(e) {
	return e.replace(/^ws/, "http");
}
function ie(e) {
	try {
		let t = sessionStorage.getItem(e) ?? "";
		return sessionStorage.removeItem(e), h.test(t) ? t : "";
	} catch {
		return "";
	}
}
function ae(e, t) {
	try {
		return sessionStorage.setItem(e, t), !0;
	} catch {
		return !1;
	}
}
// src/sdk/mismatch.ts
var oe = 4009, se = "this page was built for other types than the server has; reload it, or rebuild it with the types of this server", _ = (e) => `downbeat.reloaded.${e}`;
function ce(e) {
	try {
		return sessionStorage.getItem(_(e)) !== null || (sessionStorage.setItem(_(e), "1"), sessionStorage.getItem(_(e)) === null) ? !1 : (location.reload(), !0);
	} catch {
		return !1;
	}
}
function le(e) {
	try {
		sessionStorage.removeItem(_(e));
	} catch {}
}
// src/sdk/connection.ts
var ue = 5e3, de = 1e3, fe = 4008, pe = 4003, me = class {
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
	opened = !1;
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
	close(e, t, n = t) {
		this.drop(e, t), this.state.type !== "closed" && this.enter({
			type: "closed",
			code: e,
			reason: n
		});
	}
	sendFirst(e) {
		this.transport?.send(e);
	}
	dial() {
		clearTimeout(this.timer), clearInterval(this.watch);
		let e = ++this.generation, t = (t) => {
			e === this.generation && t();
		};
		if (this.attempt === 0 && this.enter({ type: "connecting" }), e !== this.generation) return;
		this.heardAt = performance.now(), this.watch = setInterval(() => this.checkSilence(), de), this.opened = !1;
		let n = this.events.credential();
		if (!(n instanceof Promise)) return this.openWith(n, t);
		n.then((e) => t(() => this.openWith(e, t)), (e) => t(() => this.handleNoCredential(e)));
	}
	openWith(e, t) {
		let n = {
			open: () => t(() => {
				this.opened = !0, this.events.opened();
			}),
			message: (e) => t(() => {
				this.heardAt = performance.now(), this.events.message(e);
			}),
			close: (e, n) => t(() => this.handleClose(e, n))
		};
		this.transport = this.open(this.url, n, e);
	}
	handleNoCredential(e) {
		let t = e instanceof Error ? e.message : String(e);
		e instanceof m ? this.close(pe, t) : this.handleClose(1006, t);
	}
	handleClose(e, t) {
		let n = this.state.type === "open" && performance.now() - this.openedAt >= ue;
		if (this.drop(fe, "the line is dead"), this.opened || this.events.refused(), f(e) && !this.events.mayComeBack(e, t)) {
			this.enter({
				type: "closed",
				code: e,
				reason: e === 4009 ? se : t
			});
			return;
		}
		this.attempt = n ? 1 : this.attempt + 1;
		let r = p(e, this.attempt, this.random());
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
}, he = class {
	listeners = /* @__PURE__ */ new Map();
	on(e, t) {
		let n = this.listeners.get(e);
		return n || this.listeners.set(e, n = /* @__PURE__ */ new Set()), n.add(t), () => n.delete(t);
	}
	emit(e, t, n = () => !0) {
		for (let r of this.listeners.get(e) ?? []) n() && r(t);
	}
}, v = (e) => ({
	encode: (t, n) => t.varint(s(n, 0, e)),
	decode: (t) => t.varint(e),
	bytesMin: 1
}), y = (e) => ({
	encode(t, n) {
		s(n, -e - 1, e), t.varint(n < 0 ? -n * 2 - 1 : n * 2);
	},
	decode(t) {
		let n = t.varint(e * 2 + 1);
		return n % 2 == 0 ? n / 2 : -(n + 1) / 2;
	},
	bytesMin: 1
}), b = {
	encode: (e, t) => e.u8(t),
	decode: (e) => e.u8(),
	bytesMin: 1
}, ge = {
	encode: (e, t) => e.i8(t),
	decode: (e) => e.i8(),
	bytesMin: 1
}, _e = v(65535), x = v(4294967295), ve = {
	encode: (e, t) => e.varintBig(t),
	decode: (e) => e.varintBig(),
	bytesMin: 1
}, S = y(32767), ye = y(2147483647), be = {
	encode: (e, t) => {
		if (BigInt.asIntN(64, t) !== t) throw RangeError(`${t} is not an i64`);
		e.varintBig(t < 0n ? -t * 2n - 1n : t * 2n);
	},
	decode: (e) => {
		let t = e.varintBig();
		return t & 1n ? -((t + 1n) / 2n) : t / 2n;
	},
	bytesMin: 1
}, C = {
	encode: (e, t) => e.f32(t),
	decode: (e) => e.f32(),
	bytesMin: 4
}, xe = {
	encode: (e, t) => e.f64(t),
	decode: (e) => e.f64(),
	bytesMin: 8
}, Se = {
	encode: (e, t) => e.u8(+!!t),
	decode: (e) => e.bool(),
	bytesMin: 1
}, w = {
	encode: (e, t) => e.string(t),
	decode: (e) => e.string(),
	bytesMin: 1
}, T = {
	encode: () => {},
	decode: () => null,
	bytesMin: 0,
	unit: !0
}, Ce = {
	encode(e, t) {
		e.varint(t.length), e.raw(t);
	},
	decode: (e) => e.raw(e.length(1)),
	bytesMin: 1
};
function we(e) {
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
function Te(e) {
	return {
		encode(t, n) {
			t.u8(n === null ? 0 : 1), n !== null && e.encode(t, n);
		},
		decode: (t) => t.bool() ? e.decode(t) : null,
		bytesMin: 1
	};
}
function Ee(...e) {
	return {
		encode(t, n) {
			e.forEach((e, r) => e.encode(t, n[r]));
		},
		decode: (t) => e.map((e) => e.decode(t)),
		bytesMin: e.reduce((e, t) => e + t.bytesMin, 0)
	};
}
function E(e) {
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
function D(e) {
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
function De(...e) {
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
}, k = 64;
function Oe(e) {
	let t = Object.values(e).map((e) => e.field?.kind);
	if (t.length > k) throw RangeError(`${t.length} fields, at most ${k} are allowed`);
	for (let e of ["position", "heading"]) if (t.filter((t) => t === e).length > 1) throw RangeError(`more than one ${e}`);
	return E(e);
}
function ke() {
	return {
		...O,
		field: {
			kind: "position",
			seenBy: 0,
			exact: O,
			radians: !1
		}
	};
}
function Ae() {
	return {
		...b,
		field: {
			kind: "heading",
			seenBy: 0,
			exact: b,
			radians: !1
		}
	};
}
function je() {
	return {
		...C,
		field: {
			kind: "heading",
			seenBy: 0,
			exact: C,
			radians: !0
		}
	};
}
function Me(e, t, n) {
	let r = Math.round((t - e) / n);
	if (!(n > 0 && t > e && r <= 4294967295)) throw RangeError(`${e} to ${t} in steps of ${n}`);
	return {
		encode: (t, i) => t.varint(Math.min(r, Math.max(0, Math.round((i - e) / n)))),
		decode: (t) => e + t.varint(r) * n,
		bytesMin: 1,
		field: {
			kind: "quantised",
			seenBy: 0,
			exact: C,
			radians: !1
		}
	};
}
function Ne(e) {
	return A(1, e);
}
function Pe(e) {
	return A(2, e);
}
function A(e, t) {
	let n = t.field ?? {
		kind: "plain",
		seenBy: 0,
		exact: t,
		radians: !1
	};
	if (n.kind === "position" || n.kind === "heading") throw RangeError(`a ${n.kind} is seen by all who see the entity`);
	return {
		encode(e, n) {
			if (n === null) throw RangeError("a field that is not seen cannot be written");
			t.encode(e, n);
		},
		decode: (e) => t.decode(e),
		bytesMin: t.bytesMin,
		field: {
			...n,
			seenBy: e
		}
	};
}
// src/sdk/update.ts
function j(e) {
	return e.fields ? e.fields : "unit" in e ? [] : [["value", e]];
}
function M(e) {
	return e.field?.exact ?? e;
}
function N(e, t, n) {
	return ((n < 32 ? e >>> n : t >>> n - 32) & 1) == 1;
}
function P(e, t, n = !1) {
	let r = j(e);
	t.mask();
	let { low: i, high: a } = t;
	for (let e = r.length; e < 64; e++) N(i, a, e) && t.fail(`mask names field ${e} beyond the ${r.length} there are`);
	let o = [];
	return r.forEach(([, e], r) => {
		N(i, a, r) && o.push([r, (n ? M(e) : e).decode(t)]);
	}), o;
}
function Fe(e, t, n, r = !1) {
	let i = j(e), a = 0n;
	for (let [e] of n) a |= 1n << BigInt(e);
	t.varintBig(a);
	for (let [e, a] of n) {
		let n = i[e][1];
		(r ? M(n) : n).encode(t, a);
	}
}
function Ie(e, t) {
	return t.length === j(e).length;
}
function F(e, t, n) {
	if (!e.fields) return n.length > 0 ? n[0][1] : t;
	let r = { ...t };
	for (let [t, i] of n) r[e.fields[t][0]] = i;
	return r;
}
// src/sdk/protocol.ts
var Le = "downbeat.v1", Re = 4096;
function ze(e) {
	return s(e.schema, 0, 4294967295), e;
}
var Be = D({
	Avatar: E({ entity: x }),
	Player: T,
	Spectator: T
}), Ve = E({
	player: x,
	seat: Be,
	tick: x,
	tickRateHz: _e,
	space: D({
		Whole: T,
		Grid: E({
			cellM: C,
			near: b,
			mid: b,
			far: b
		})
	}),
	game: w,
	room: w,
	name: w,
	taken: x,
	resume: w
}), He = E({
	token: x,
	tick: x
}), Ue = 128, We = 1, Ge = 2, Ke = 4;
function qe(t, n) {
	if (t.length > 8192) throw new e(`message of ${t.length} bytes`, 0);
	let i = new r(t), a = i.u8();
	if (a >= Ue) return Ye(i, a - Ue, n);
	let o;
	if (a === 0) o = Je(i);
	else if (a === 2) o = {
		type: "Pong",
		...He.decode(i)
	};
	else return i.fail(`no message ${a}`);
	return i.finish(), o;
}
function Je(e) {
	let t = {
		type: "Welcome",
		...Ve.decode(e)
	}, { space: n } = t;
	return n.type === "Grid" && !(n.cellM > 0 && n.cellM < Infinity) && e.fail(`cells of ${n.cellM} m`), t.tickRateHz === 0 && e.fail("no ticks in a second"), t;
}
function Ye(e, t, n) {
	t & -8 && e.fail(`unknown flags ${t}`);
	let r = {
		type: "Frame",
		reset: (t & We) !== 0,
		more: (t & Ge) !== 0,
		tick: e.fixed16(),
		due: e.fixed16(),
		ack: t & Ke ? {
			seq: e.fixed16(),
			leadMs: e.u8()
		} : null,
		refused: [],
		seat: null,
		private: null,
		own: null,
		events: [],
		shared: null,
		look: null,
		cells: null
	}, i = -1;
	for (; e.left > 0 && !r.cells;) {
		let t = e.u8();
		t < i && e.fail(`section ${t} after section ${i}`), t === i && t !== Xe && t !== Ze && e.fail(`section ${t} twice`), i = t, Qe(e, n, r, t);
	}
	return r;
}
var Xe = 1, Ze = 5;
function Qe(e, t, n, r) {
	switch (r) {
		case Xe:
			for (let t = e.length(1); t > 0; t--) n.refused.push(x.decode(e));
			break;
		case 2:
			n.seat = Be.decode(e);
			break;
		case 3:
			n.private = P(t.private, e);
			break;
		case 4:
			n.own = P(t.entity, e, !0);
			break;
		case Ze:
			for (let r = e.length(t.event.bytesMin); r > 0; r--) n.events.push(t.event.decode(e));
			break;
		case 6:
			n.shared = P(t.shared, e);
			break;
		case 7: {
			let [t, r] = [S.decode(e), S.decode(e)];
			e.mask(), n.look = {
				x: t,
				y: r,
				maskLow: e.low,
				maskHigh: e.high
			};
			break;
		}
		case 8:
			n.cells = e;
			break;
		default: e.fail(`no section ${r}`);
	}
}
function I(e, t) {
	return t + (e - t & 65535) >>> 0;
}
function L(e, t) {
	let n = new o();
	switch (e.type) {
		case "Hello":
			n.u8(0), w.encode(n, e.name), x.encode(n, e.schema);
			break;
		case "Input":
			n.u8(1), x.encode(n, e.seq), x.encode(n, e.seen), b.encode(n, e.behind), t.input.encode(n, e.input);
			break;
		case "Seen":
			n.u8(2), x.encode(n, e.seen);
			break;
		case "Ping": n.u8(3), x.encode(n, e.seen), x.encode(n, e.token);
	}
	let r = n.finish();
	if (r.length > 4096) throw RangeError(`message of ${r.length} bytes, at most ${Re} are allowed`);
	return r;
}
// src/sdk/transport.ts
var $e = (e, t, n) => {
	let r = new WebSocket(e, n === null ? Le : [Le, n]);
	return r.binaryType = "arraybuffer", r.onopen = () => t.open(), r.onmessage = ({ data: e }) => {
		t.message(e instanceof ArrayBuffer ? new Uint8Array(e) : /* @__PURE__ */ new Uint8Array());
	}, r.onclose = ({ code: e, reason: n }) => t.close(e, n), {
		send: (e) => r.send(e),
		close: (e, t) => r.close(e, t)
	};
}, et = class {
	entities = /* @__PURE__ */ new Map();
	changes = {
		added: [],
		changed: [],
		moved: [],
		removed: []
	};
	shape;
	known = /* @__PURE__ */ new Map();
	turn = 0;
	constructor(e) {
		this.shape = e;
	}
	begin() {
		this.turn += 1, this.clearChanges();
	}
	end() {
		let { added: e, changed: t, moved: n } = this.changes;
		R(e, (e) => this.isNewlyListed(e)), R(t, (e) => this.known.get(e)?.changedAt === this.turn), R(n, (e) => this.known.get(e)?.movedAt === this.turn);
	}
	clear() {
		this.clearChanges(), this.entities.clear(), this.known.clear();
	}
	find(e) {
		return this.known.get(e);
	}
	meet(e) {
		let { shape: t } = this, n = t.position >= 0 ? {
			x: 0,
			y: 0
		} : null, r = null;
		t.named && (r = {}, t.fields.forEach(({ name: e }, i) => r[e] = i === t.position ? n : i === t.heading ? 0 : null));
		let i = {
			id: e,
			entity: r,
			pos: n,
			home: -1,
			overlays: [
				-1,
				-1,
				-1
			],
			keptUntil: [
				0,
				0,
				0
			],
			alive: !0,
			addedAt: this.turn,
			listedAt: 0,
			changedAt: 0,
			movedAt: 0
		};
		return this.known.set(e, i), this.changes.added.push(e), i;
	}
	show(e) {
		this.entities.set(e.id, e.entity);
	}
	lose(e) {
		e.alive = !1, this.known.delete(e.id), this.entities.delete(e.id), e.addedAt !== this.turn && this.changes.removed.push(e.id);
	}
	set(e, t, n) {
		this.shape.named ? t === this.shape.position ? (e.pos.x = n.x, e.pos.y = n.y) : e.entity[this.shape.fields[t].name] = n : (e.entity = n, e.alive && this.show(e));
	}
	lay(e, t, n) {
		let r = this.known.get(e);
		if (r) {
			for (let [e, n] of t) this.set(r, e, n);
			n && t.length !== 0 && (this.noteChanged(r), t.some(([e]) => e === this.shape.position || e === this.shape.heading) && this.noteMoved(r));
		}
	}
	noteChanged(e) {
		e.changedAt !== this.turn && e.addedAt !== this.turn && (e.changedAt = this.turn, this.changes.changed.push(e.id));
	}
	noteMoved(e) {
		e.movedAt !== this.turn && e.addedAt !== this.turn && (e.movedAt = this.turn, this.changes.moved.push(e.id));
	}
	clearChanges() {
		let { added: e, changed: t, moved: n, removed: r } = this.changes;
		e.length = t.length = n.length = r.length = 0;
	}
	isNewlyListed(e) {
		let t = this.known.get(e);
		return t?.addedAt !== this.turn || t.listedAt === this.turn ? !1 : (t.listedAt = this.turn, !0);
	}
};
function R(e, t) {
	let n = 0;
	for (let r of e) t(r) && (e[n++] = r);
	e.length = n;
}
var tt = 65536;
function nt(e, t, n, r) {
	return e << 24 | t << 22 | n << 6 | r;
}
var rt = (e) => e >> 24, z = (e) => e >> 22 & 3, it = (e) => e >> 22, at = (e) => e >> 6 & 65535, ot = (e) => e & 63, st = class {
	x = /* @__PURE__ */ new Int32Array(64);
	y = /* @__PURE__ */ new Int32Array(64);
	heading = /* @__PURE__ */ new Uint16Array(64);
	direction = /* @__PURE__ */ new Uint8Array(64);
	key = /* @__PURE__ */ new Int32Array(64);
	known = [];
	wires = [];
	byKey = /* @__PURE__ */ new Map();
	free = [];
	get length() {
		return this.known.length;
	}
	find(e) {
		return this.byKey.get(e) ?? -1;
	}
	add(e, t) {
		let n = this.free.pop() ?? this.known.length;
		return n === this.x.length && this.grow(), this.x[n] = 0, this.y[n] = 0, this.heading[n] = 0, this.direction[n] = 0, this.key[n] = e, this.known[n] = t, this.wires[n] = null, this.byKey.set(e, n), n;
	}
	remove(e) {
		this.byKey.delete(this.key[e]), this.known[e] = null, this.wires[e] = null, this.free.push(e);
	}
	clear() {
		this.byKey.clear(), this.known = [], this.wires = [], this.free = [];
	}
	grow() {
		let e = this.x.length * 2, t = (e, t) => (e.set(t), e);
		this.x = t(new Int32Array(e), this.x), this.y = t(new Int32Array(e), this.y), this.heading = t(new Uint16Array(e), this.heading), this.direction = t(new Uint8Array(e), this.direction), this.key = t(new Int32Array(e), this.key);
	}
};
// src/sdk/shape.ts
function ct(e) {
	let t = j(e), n = t.map(([, e]) => e.field?.kind ?? "plain"), r = t.map(([, e]) => e.field?.seenBy ?? 0), i = n.indexOf("heading"), a = (e) => {
		let i = [0, 0];
		return t.forEach((t, a) => {
			n[a] !== "position" && n[a] !== "heading" && e(r[a]) && (i[a >> 5] |= 1 << (a & 31));
		}), {
			low: i[0],
			high: i[1]
		};
	}, o = [
		0,
		1,
		2
	];
	return {
		named: e.fields !== void 0,
		fields: t.map(([e, t], r) => ({
			name: e,
			codec: t,
			exact: M(t),
			lossy: n[r] !== "plain"
		})),
		position: n.indexOf("position"),
		heading: i,
		radians: t[i]?.[1].field?.radians ?? !1,
		whole: o.map((e) => a((t) => t <= e)),
		overlay: o.map((e) => a((t) => t > 0 && t <= e))
	};
}
var B = 256;
function lt(e, t) {
	return e.radians ? t / B * Math.PI * 2 : t;
}
function ut(e, t) {
	let n = Math.abs(e), r = Math.abs(t), i = Math.floor(Math.min(n, r) * 65536 / Math.max(n, r, 1)), a = 2097152 + Math.floor(1113 * (65536 - i) / 100), o = Math.floor((i * a + 2 ** 31) / 2 ** 32), s = r > n ? 64 - o : o, c = e < 0 ? 128 - s : s;
	return (t < 0 ? B - c : c) & 255;
}
// src/sdk/cells.ts
var V = class extends Error {
	name = "ViewError";
}, H = 7, U = 49, W = 3, dt = 64, G = 255, ft = 4, pt = class {
	shape;
	rows = new st();
	roster;
	debug;
	space = { type: "Whole" };
	tick = 0;
	window = Array(U).fill(null);
	store = Array(U).fill(null);
	kept = [];
	cell = null;
	layer = 0;
	page = 0;
	constructor(e, t) {
		this.shape = ct(e), this.roster = new et(this.shape), this.debug = t;
	}
	begin(e) {
		this.roster.begin(), this.tick = e;
	}
	end() {
		this.kept.length > 0 && (this.kept = this.kept.filter((e) => !this.release(e))), this.roster.end();
	}
	reset() {
		this.rows.clear(), this.roster.clear(), this.kept = [], this.window.fill(null), this.store.fill(null);
	}
	tierOf(e) {
		let t = this.roster.find(e);
		if (!t || this.space.type === "Whole") return 1;
		let n = t.home === -1 ? this.cellThatKeeps(t) : this.cellOfRow(t.home);
		if (!n || n.number < 0) return 1;
		let r = Math.max(Math.abs(n.number % H - W), Math.abs(Math.floor(n.number / H) - W));
		return r <= this.space.near ? 1 : r <= this.space.mid ? 2 : 4;
	}
	follows(e) {
		let t = this.roster.find(e)?.home ?? -1;
		return t !== -1 && !!(this.rows.heading[t] & 256);
	}
	look(e, t, n, r) {
		for (let e = U; e < 64; e++) if (N(n, r, e)) throw new V(`cell ${e} is in view, a window has ${U}`);
		this.window.fill(null);
		for (let i of this.store) i && (i.number = mt(i.x - e, i.y - t), i.number >= 0 && N(n, r, i.number) ? this.window[i.number] = i : i.number = -1);
		this.forgetUnseen();
		for (let i = 0; i < U; i++) {
			if (!N(n, r, i) || this.window[i]) continue;
			let a = this.store.indexOf(null), o = e + i % H - W, s = t + Math.floor(i / H) - W;
			this.window[i] = this.store[a] = {
				x: o,
				y: s,
				index: a,
				number: i,
				checkedAt: [
					-1,
					-1,
					-1
				]
			};
		}
	}
	openEntry(e, t) {
		if (this.cell = this.window[e] ?? null, !this.cell) throw new V(`cell ${e} is not in view`);
		this.layer = t;
	}
	openPage(e) {
		this.page = e;
	}
	get entry() {
		return {
			cell: this.cell,
			layer: this.layer
		};
	}
	remove(e, t) {
		let n = this.live(e);
		if (t !== G && t >= U) throw new V(`an entity went to cell ${t}, a window has ${U}`);
		let r = this.cell, i = t === G ? null : this.at(r.x + t % H - W, r.y + Math.floor(t / H) - W);
		this.detach(n, t === G, i, this.nextWhole()), this.rows.remove(n);
	}
	add(e, t, n, r, i) {
		let a = this.keyOf(e);
		if (this.rows.find(a) >= 0) throw new V(`slot ${e} is taken`);
		let o = this.roster.find(r);
		if (n && (this.layer === 0 || !o)) throw new V(`entity ${r} has nothing that an overlay could lie on`);
		let s = o ?? this.roster.meet(r), c = this.rows.add(a, s);
		if (n) this.rows.heading[c] = 512, s.overlays[this.layer] = c;
		else {
			if (s.home = c, this.shape.position >= 0 && this.put(c, i.i24(), i.i24()), this.shape.heading >= 0) {
				let e = i.u8();
				this.rows.heading[c] = e | (t ? 256 : 0), this.rows.direction[c] = e;
			}
			this.show(c);
		}
		this.debug && (this.rows.wires[c] = []);
		let { low: l, high: u } = this.fieldsOfRow(c);
		this.readFields(c, l, u, i), o || this.roster.show(s);
	}
	move(e, t, n) {
		let r = this.placed(e), { rows: i } = this;
		if (this.put(r, i.x[r] + t, i.y[r] + n), this.shape.heading >= 0 && (t !== 0 || n !== 0)) {
			let e = ut(t, n);
			i.direction[r] = e, i.heading[r] & 256 && (i.heading[r] = e | 256);
		}
		this.show(r);
	}
	jump(e, t, n) {
		let r = this.placed(e);
		this.put(r, t, n), this.show(r);
	}
	follow(e) {
		let t = this.placed(e);
		this.rows.heading[t] = this.rows.direction[t] | 256, this.show(t);
	}
	face(e, t) {
		let n = this.placed(e);
		this.rows.heading[n] = t, this.show(n);
	}
	change(e, t) {
		let n = this.live(e);
		t.mask();
		let { low: r, high: i } = t, a = this.fieldsOfRow(n);
		((r & ~a.low) !== 0 || (i & ~a.high) !== 0) && t.fail(`mask has fields that layer ${this.layer} does not bring`), this.readFields(n, r, i, t);
	}
	fieldsOfRow(e) {
		return (this.rows.heading[e] & 512 ? this.shape.overlay : this.shape.whole)[z(this.rows.key[e])];
	}
	keyOf(e) {
		if (e >= 64) throw new V(`slot ${e}, a page has 64`);
		return nt(this.cell.index, this.layer, this.page, e);
	}
	live(e) {
		let t = this.rows.find(this.keyOf(e));
		if (t < 0) throw new V(`slot ${e} of page ${this.page} is empty`);
		return t;
	}
	placed(e) {
		let t = this.live(e);
		if (this.rows.heading[t] & 512) throw new V(`slot ${e} is an overlay and has no place`);
		return t;
	}
	put(e, t, n) {
		this.rows.x[e] = t, this.rows.y[e] = n;
	}
	cellOfRow(e) {
		return this.store[rt(this.rows.key[e])] ?? null;
	}
	at(e, t) {
		return this.store.find((n) => n !== null && n.x === e && n.y === t) ?? null;
	}
	cellThatKeeps(e) {
		return this.kept.findLast((t) => t.known === e && t.layer === 0)?.cell ?? null;
	}
	nextWhole() {
		let e = this.tick % ft;
		return e === 0 ? this.tick : this.tick - e + ft >>> 0;
	}
	show(e) {
		let { rows: t, shape: n } = this, r = t.known[e];
		if (r.home === e) {
			if (r.pos) {
				let n = this.cellOfRow(e), i = this.space.type === "Grid" ? this.space.cellM : 0;
				r.pos.x = n.x * i + t.x[e] / dt, r.pos.y = n.y * i + t.y[e] / dt;
			}
			n.heading >= 0 && (r.entity[n.fields[n.heading].name] = lt(n, t.heading[e] & 255)), this.roster.noteChanged(r), this.roster.noteMoved(r);
		}
	}
	readFields(e, t, n, r) {
		let { shape: i, rows: a } = this, o = a.known[e], s = a.wires[e], c = o.home === e || o.overlays[this.layer] === e;
		for (let e = 0; e < i.fields.length; e++) {
			if (!N(t, n, e)) continue;
			let a = r.offset, l = i.fields[e].codec.decode(r);
			s && (s[e] = r.since(a)), c && this.roster.set(o, e, l);
		}
		c && (t | n) !== 0 && this.roster.noteChanged(o);
	}
	detach(e, t, n, r) {
		let i = this.rows.known[e];
		if (!i.alive) return;
		let a = this.rows.heading[e] & 512 ? z(this.rows.key[e]) : 0, o = a === 0 && i.home === e;
		if (!o && i.overlays[a] !== e) return;
		let s = this.fieldsOfRow(e);
		if (o ? i.home = -1 : i.overlays[a] = -1, t && o) this.roster.lose(i);
		else {
			let e = {
				known: i,
				layer: a,
				until: n && !t ? r : this.tick,
				cell: n,
				fields: s
			};
			i.keptUntil[a] = e.until, this.kept.push(e);
		}
	}
	release({ known: e, layer: t, until: n, cell: r, fields: i }) {
		let a = t === 0 ? e.home === -1 : e.overlays[t] === -1;
		return !e.alive || !a || e.keptUntil[t] !== n ? !0 : (this.tick - n | 0) < 0 && r && r.number >= 0 ? !1 : (t === 0 ? this.roster.lose(e) : this.hide(e, i), !0);
	}
	hide(e, { low: t, high: n }) {
		let [r, i] = [t, n];
		for (let t of [e.home, ...e.overlays]) {
			if (t === -1) continue;
			let e = this.fieldsOfRow(t);
			r &= ~e.low, i &= ~e.high;
		}
		for (let t = 0; t < this.shape.fields.length; t++) N(r, i, t) && this.roster.set(e, t, null);
		(r | i) !== 0 && this.roster.noteChanged(e);
	}
	forgetUnseen() {
		let { rows: e } = this;
		for (let t = 0; t < e.length; t++) e.known[t] && (this.cellOfRow(t).number >= 0 || (this.detach(t, !1, null, this.tick), e.remove(t)));
		this.store.forEach((e, t) => {
			e && e.number < 0 && (this.store[t] = null);
		});
	}
};
function mt(e, t) {
	return Math.abs(e) > W || Math.abs(t) > W ? -1 : (t + W) * H + e + W;
}
// src/sdk/checksum.ts
var ht = class {
	state = 2166136261;
	u8(e) {
		this.state = Math.imul(this.state ^ e & 255, 16777619);
	}
	u32(e) {
		for (let t = 0; t < 32; t += 8) this.u8(e >>> t);
	}
	finish() {
		return (this.state ^ this.state >>> 16) & 65535;
	}
};
function gt(e, t, n) {
	let { rows: r, shape: i } = e, a = t << 2 | n, o = [];
	for (let e = 0; e < r.length; e++) r.known[e] && it(r.key[e]) === a && o.push(e);
	o.sort((e, t) => r.key[e] - r.key[t]);
	let s = new ht();
	for (let t of o) {
		let n = r.heading[t];
		s.u8(at(r.key[t])), s.u8(ot(r.key[t])), s.u32(r.known[t].id), n & 512 || (i.position >= 0 && (s.u32(r.x[t]), s.u32(r.y[t])), i.heading >= 0 && (s.u8(n & 256 ? 0 : 1), s.u8(n & 256 ? 0 : n)));
		let { low: a, high: o } = e.fieldsOfRow(t), c = r.wires[t] ?? [];
		for (let e = 0; e < i.fields.length; e++) if (N(a, o, e)) for (let t of c[e] ?? []) s.u8(t);
	}
	return s.finish();
}
// src/sdk/blocks.ts
var _t = 1, vt = 2, yt = 4, bt = 8, xt = 16, St = 32, Ct = 64, wt = 128, Tt = 63, Et = 64, Dt = 128;
function Ot(e, t, n) {
	for (; e.left > 0;) {
		let r = e.u8();
		r >> 6 >= 3 && e.fail(`no layer ${r >> 6}`), t.openEntry(r & 63, r >> 6);
		for (let r = !0; r;) {
			let i = e.u8();
			r = (i & wt) !== 0, t.openPage(i & Ct ? e.varint(tt - 1) : 0), i & Tt ? kt(i, e, t) : Nt(e, t, n);
		}
	}
}
function kt(e, t, n) {
	if (e & _t) for (let e = t.u8(); e > 0; e--) n.remove(t.u8(), t.u8());
	if (e & vt && At(t, n), e & yt && jt(t, n), e & bt) {
		n.shape.position < 0 && t.fail("a movement of entities without a position");
		for (let e = t.u8(); e > 0; e--) n.jump(t.u8(), t.i24(), t.i24());
	}
	if (e & xt && Mt(t, n), e & St) for (let e = t.u8(); e > 0; e--) n.change(t.u8(), t);
}
function At(e, t) {
	for (let n = e.u8(); n > 0; n--) {
		let n = e.u8(), r = e.varint(4294967295);
		t.add(n & 63, (n & Et) !== 0, (n & Dt) !== 0, r, e);
	}
}
function jt(e, t) {
	t.shape.position < 0 && e.fail("a movement of entities without a position");
	let n = e.u8();
	n & 128 && e.fail(`unknown flags ${n}`);
	let r = (n >> 3) + 1, i = e.bitmap((n & 7) + 1), { low: a, high: o } = e;
	e.openBits(i * 2 * r);
	for (let n = 0; n < 64; n++) N(a, o, n) && t.move(n, e.signedBits(r), e.signedBits(r));
	e.closeBits();
}
function Mt(e, t) {
	t.shape.heading < 0 && e.fail("a turn of entities without a heading");
	let n = e.u8();
	n > 7 && e.fail(`unknown flags ${n}`);
	let r = e.bitmap(n + 1), { low: i, high: a } = e, [o, s] = [i, a];
	e.openBits(r);
	for (let n = 0; n < 64; n++) N(i, a, n) && e.bits(1) !== 0 && (t.follow(n), n < 32 ? o &= ~(1 << n) : s &= ~(1 << n - 32));
	e.closeBits();
	for (let n = 0; n < 64; n++) N(o, s, n) && t.face(n, e.u8());
}
function Nt(e, t, n) {
	let r = e.fixed16();
	if (!t.debug) return;
	let { cell: i, layer: a } = t.entry;
	if (i.checkedAt[a] === t.tick) throw new V(`a second checksum of cell ${i.number}, layer ${a}`);
	i.checkedAt[a] = t.tick, gt(t, i.index, a) !== r && n.push({
		tick: t.tick,
		x: i.x,
		y: i.y,
		layer: a
	});
}
// src/sdk/view.ts
var Pt = 1024, Ft = class {
	entities;
	shared = null;
	private = null;
	seat = { type: "Spectator" };
	player = 0;
	name = "";
	tick = 0;
	tickRateHz = 20;
	space = { type: "Whole" };
	due = 0;
	inputAck = 0;
	lead = null;
	game;
	cells;
	applied;
	parts = [];
	exact = /* @__PURE__ */ new Map();
	keyed = !1;
	constructor(e, t = !1) {
		this.game = e, this.cells = new pt(e.entity, t), this.entities = this.cells.roster.entities, this.applied = {
			tick: 0,
			reset: !1,
			heartbeat: !1,
			...this.cells.roster.changes,
			events: [],
			refused: [],
			mismatches: []
		};
	}
	get avatar() {
		return this.seat.type === "Avatar" ? this.seat.entity : null;
	}
	tierOf(e) {
		return this.cells.tierOf(e);
	}
	follows(e) {
		return this.cells.follows(e);
	}
	handleWelcome(e) {
		this.parts = [], this.seat = e.seat, this.player = e.player, this.name = e.name, this.tick = e.tick, this.tickRateHz = e.tickRateHz, this.space = e.space, this.due = 0, this.inputAck = Math.max(0, e.taken - 32768), this.lead = null, this.keyed = !1, this.exact.clear();
	}
	handleFrame(e) {
		let t = this.parts[0];
		if (t && t.tick !== e.tick) throw new V("a tick came before the rest of the last one");
		if (this.parts.push(e), this.parts.length > Pt) throw new V(`a tick has more than ${Pt} messages`);
		if (e.more) return null;
		let { parts: n, applied: r } = this;
		this.parts = [];
		let i = I(e.due, this.due);
		this.tick = I(e.tick, this.tick), r.tick = this.tick, r.reset = !1, r.heartbeat = i === this.due && n.length === 1 && It(e), this.due = i, r.events = [], r.refused = [], r.mismatches = [], this.lead = null, this.cells.begin(this.tick);
		let a = [];
		for (let e of n) this.apply(e), e.own && (a = [...a, ...e.own]);
		return this.cells.end(), this.applyOwn(a), r;
	}
	apply(e) {
		let { applied: t, cells: n, game: r } = this;
		if (e.reset) this.reset();
		else if (!this.keyed && (e.private || e.shared || e.look || e.cells)) throw new V("state came before a keyframe");
		if (e.ack && (this.inputAck = I(e.ack.seq, this.inputAck), this.lead = e.ack.leadMs), t.refused.push(...e.refused), t.events.push(...e.events), e.seat && this.sit(e.seat), e.private) {
			if (this.private === null && !Ie(r.private, e.private)) throw new V("private state came in part first");
			this.private = F(r.private, this.private, e.private);
		}
		if (e.shared) {
			if (this.shared === null && !Ie(r.shared, e.shared)) throw new V("shared state came in part first");
			this.shared = F(r.shared, this.shared, e.shared);
		}
		e.look && n.look(e.look.x, e.look.y, e.look.maskLow, e.look.maskHigh), e.cells && Ot(e.cells, n, t.mismatches);
	}
	reset() {
		this.keyed = !0, this.applied.reset = !0, this.shared = null, this.private = null, this.exact.clear(), this.cells.reset(), this.cells.space = this.space;
	}
	sit(e) {
		let t = this.avatar;
		this.seat = e, this.avatar !== t && this.exact.clear();
	}
	applyOwn(e) {
		let { avatar: t, cells: n, exact: r } = this;
		if (t !== null) {
			for (let [t, i] of e) n.shape.fields[t].lossy && r.set(t, i);
			n.roster.lay(t, e, !0), r.size > 0 && n.roster.lay(t, [...r], !1);
		}
	}
};
function It(e) {
	return !e.reset && !e.seat && !e.private && !e.shared && !e.own && !e.look && !e.cells && e.refused.length + e.events.length === 0;
}
// src/sdk/client.ts
var Lt = 1e3, Rt = 1500, zt = 24, Bt = 4001, Vt = "session is over", Ht = "room is busy", Ut = 8;
function Wt(e) {
	return new Gt(e);
}
var Gt = class extends he {
	view;
	rtt = null;
	bytesReceived = 0;
	mismatches = 0;
	behind;
	pending = [];
	name;
	room = "";
	game;
	url;
	credentials;
	connection;
	reloads;
	timers = [];
	seq = 0;
	welcomed = !1;
	leftWithPage = !1;
	spokeAt = 0;
	token = 0;
	pingedAt = 0;
	constructor(e) {
		super(), this.game = e.game, this.name = e.name ?? "", this.url = e.url ?? qt(), this.behind = e.behind ?? Ut, this.reloads = e.reloadOnMismatch ?? !0, this.view = new Ft(e.game, e.debug), this.credentials = new te(e, this.url), this.connection = new me(e.transport ?? $e, e.random ?? Math.random, {
			credential: () => this.credentials.show(),
			refused: () => this.credentials.handleRefused(),
			mayComeBack: (e, t) => this.mayComeBack(e, t),
			state: (e) => this.handleState(e),
			opened: () => this.connection.sendFirst(this.encode({
				type: "Hello",
				name: Kt(this.name),
				schema: this.game.schema
			})),
			message: (e) => this.handleMessage(e)
		}), globalThis.addEventListener?.("pagehide", () => this.handlePageGone()), globalThis.addEventListener?.("pageshow", ({ persisted: e }) => this.handlePageBack(e));
	}
	get state() {
		return this.connection.state;
	}
	join(e) {
		if (!/^(?!\.)[A-Za-z0-9._-]{1,64}$/.test(e)) throw RangeError(`room name "${e}" is not 1–64 of A–Z a–z 0–9 . _ -, or starts with a dot`);
		this.room = e, this.credentials.enter(this.game.name, e), this.connection.connect(`${this.url}/ws/${this.game.name}/${e}`);
	}
	leave() {
		this.credentials.forget(), this.connection.close(1e3, "bye");
	}
	retry() {
		this.connection.retry();
	}
	input(e) {
		if (this.state.type !== "open") return 0;
		let t = this.seq + 1;
		return this.sendBytes(this.encodeInput(t, e)), this.seq = t, this.pending.push({
			seq: t,
			input: e
		}), this.pending.length > 64 && this.pending.shift(), t;
	}
	handleState(e) {
		for (let e of this.timers) clearInterval(e);
		this.timers = [], e.type === "open" && (this.timers = [setInterval(() => this.sendSeen(), Lt / 4), setInterval(() => this.ping(), Rt)]), e.type === "closed" && e.code === 4009 && !this.welcomed && this.reloads && ce(this.game.name), (e.type === "connecting" || e.type === "reconnecting") && (this.welcomed = !1), (e.type === "closed" || e.type === "reconnecting" && e.code === 1001) && this.credentials.forget(), this.emit("state", e, () => this.state === e), e.type === "closed" && e.code === Bt && this.emit("fenced", e.reason);
	}
	mayComeBack(e, t) {
		return e !== 4003 || this.welcomed ? !1 : t === Ht ? !0 : t !== Vt || !this.credentials.resuming ? !1 : (this.credentials.forget(), !0);
	}
	handlePageGone() {
		this.leftWithPage = this.state.type !== "idle" && this.state.type !== "closed" && !this.credentials.handlePageGone(), this.leftWithPage && this.leave();
	}
	handlePageBack(e) {
		e && this.leftWithPage && this.retry(), this.leftWithPage = !1;
	}
	handleMessage(t) {
		this.bytesReceived += t.length;
		try {
			let e = qe(t, this.game);
			if (e.type === "Welcome" == (this.state.type === "open")) throw new V(`${e.type} came in state ${this.state.type}`);
			e.type === "Welcome" ? this.handleWelcome(e) : e.type === "Frame" ? this.handleFrame(e) : this.handlePong(e);
		} catch (t) {
			if (!(t instanceof e || t instanceof V)) throw t;
			this.connection.close(oe, "protocol mismatch", `${se} (${t.message})`);
		}
	}
	handleWelcome(e) {
		let { resuming: t } = this.credentials;
		this.credentials.handleWelcome(e.resume), this.welcomed = !0, le(this.game.name), this.view.handleWelcome(e);
		let n = this.goOn(t, e.taken), r = this.state;
		if (this.emit("welcome", e), this.state === r && (this.connection.handleWelcome(), this.state.type === "open")) {
			this.emit(t ? "resumed" : "joined", e);
			for (let e of n) this.emit("refused", e);
			this.ping();
		}
	}
	goOn(e, t) {
		let { pending: n } = this;
		this.seq = e ? Math.max(this.seq, t) : 0, e || (n.length = 0);
		let r = n.filter(({ seq: e }) => e > t), i = r.slice(-16), a = r.slice(0, -16).map(({ seq: e }) => e);
		n.splice(0, n.length, ...n.filter(({ seq: e }) => !a.includes(e)));
		for (let { seq: e, input: t } of i) this.connection.sendFirst(this.encodeInput(e, t));
		return a;
	}
	handleFrame(e) {
		let t = this.view.handleFrame(e);
		if (this.sendSeen(), t) {
			this.forgetPending(t), this.mismatches += t.mismatches.length, this.emit("frame", t);
			for (let e of t.mismatches) this.emit("mismatch", e);
			for (let e of t.refused) this.emit("refused", e);
			for (let e of t.events) this.emit("event", e);
		}
	}
	forgetPending({ refused: e }) {
		let { pending: t, view: n } = this;
		if (t.length === 0) return;
		let r = t.filter(({ seq: t }) => t > n.inputAck && !e.includes(t));
		r.length < t.length && t.splice(0, t.length, ...r);
	}
	handlePong(e) {
		e.token === this.token && (this.rtt = performance.now() - this.pingedAt, this.emit("rtt", this.rtt), this.emit("pong", e));
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
		this.sendBytes(this.encode(e));
	}
	sendBytes(e) {
		this.connection.send(e), this.spokeAt = performance.now();
	}
	encodeInput(e, t) {
		let n = Math.min(255, Math.max(0, Math.round(this.behind)));
		return this.encode({
			type: "Input",
			seq: e,
			seen: this.view.tick,
			behind: n,
			input: t
		});
	}
	encode(e) {
		return L(e, this.game);
	}
};
function Kt(e) {
	return [...e].slice(0, 24).join("");
}
function qt() {
	return location.origin.replace(/^http/, "ws");
}
// src/sdk/clock.ts
var Jt = 1, Yt = 1.5, Xt = .02, Zt = .04, Qt = 400, $t = 250, K = 12, en = 80, tn = class {
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
		let n = this.observe(e, t), r = Math.min(n - this.offsetAt(t), 5 * this.periodMs);
		this.arrivals.push(Math.max(0, r)), this.arrivals.length > en && this.arrivals.shift();
		let i = Jt + this.jitterMs() / this.periodMs;
		this.delay = Math.min(5, Math.max(Yt, i));
	}
	observe(e, t) {
		let n = t - e * this.periodMs, r = this.groups.at(-1);
		return !r || t - r.from >= $t ? (this.groups.push({
			from: t,
			offset: n,
			at: t
		}), this.groups.length > K && this.groups.shift(), this.pace = this.measuredPace()) : n < r.offset && (r.offset = n, r.at = t), n;
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
			this.drawn = Math.abs(i) * this.periodMs > Qt ? t : r + Math.min(n * Xt, Math.max(-n * Zt, i));
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
		if (this.groups.length < K) return 1;
		let e = K / 2, t = (e) => e.reduce((e, t) => t.offset < e.offset ? t : e), n = t(this.groups.slice(0, e)), r = t(this.groups.slice(e, -1)), i = (r.offset - n.offset) / Math.max(1, r.at - n.at);
		return Math.abs(i) < .05 ? 1 : Math.min(1.5, Math.max(.1, 1 - i));
	}
}, nn = 150, rn = 1e-6, an = 4, on = 4, sn = 2, q = 16, cn = 3, ln = .1, un = .25, [J, Y, X, Z, dn, Q] = [
	0,
	1,
	2,
	3,
	4,
	5
], fn = class {
	data = new Float64Array(q * Q);
	count = 0;
	interval = 1;
	lag = 0;
	drawnWith = NaN;
	drawnAt = NaN;
	drawnX = 0;
	drawnY = 0;
	errorX = 0;
	errorY = 0;
	errorMs = 0;
	first = 0;
	at(e) {
		return (this.first + e) % q * Q;
	}
	get newest() {
		return this.at(this.count - 1);
	}
	push(e, t, n, r, i) {
		this.count === q ? this.first = (this.first + 1) % q : this.count += 1, this.data.set([
			e,
			t,
			n,
			r,
			i
		], this.newest);
	}
	pop() {
		--this.count;
	}
}, pn = class {
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
	handleSample(e, t, n, r = 1) {
		let { x: i, y: a } = n, o = this.tracks.get(e);
		o || (o = new fn(), o.lag = r - 1, o.interval = r, this.tracks.set(e, o));
		let { data: s } = o, { turn: c } = n;
		if (o.count > 0) {
			let e = o.newest, [l, u, d] = [
				s[e + J],
				s[e + Y],
				s[e + X]
			], f = u !== i || d !== a;
			f && (this.moved += 1), n.follows && f && (c = gn(i - u, a - d));
			let p = Math.max(r, o.interval) + sn;
			t <= l ? o.pop() : t - l > p && o.push(t - r, u, d, s[e + Z], s[e + dn]);
		}
		o.interval = r, o.push(t, i, a, c, +!!n.follows);
	}
	pose(e, t, n) {
		let r = this.tracks.get(e);
		if (!r) return null;
		let i = r.interval - 1 - r.lag, a = n / this.tickMs;
		r.lag += Math.max(-a * ln, Math.min(a * un, i));
		let o = t - r.lag;
		r.drawnWith !== this.newestTick && this.startCorrection(r);
		let s = this.placed(r, o);
		if (r.drawnX = s.x, r.drawnY = s.y, r.drawnAt = o, r.drawnWith = this.newestTick, r.errorMs > 0) {
			r.errorMs = Math.max(0, r.errorMs - n);
			let e = (r.errorMs / 100) ** 2;
			s.x += r.errorX * e, s.y += r.errorY * e;
		}
		return s;
	}
	startCorrection(e) {
		if (Number.isNaN(e.drawnAt)) return;
		let { x: t, y: n } = this.placed(e, e.drawnAt), [r, i] = [e.drawnX - t, e.drawnY - n];
		if (Math.hypot(r, i) < rn) return;
		let a = (e.errorMs / 100) ** 2;
		e.errorX = e.errorX * a + r, e.errorY = e.errorY * a + i, e.errorMs = Math.hypot(e.errorX, e.errorY) > an ? 0 : 100;
	}
	placed(e, t) {
		return this.mustGuess(e, t) ? hn(e, t, this.tickMs) : mn(e, t);
	}
	mustGuess(e, t) {
		let n = e.data[e.newest + J], r = Math.floor(this.newestTick / e.interval) * e.interval;
		return t <= r || n < r ? !1 : t + e.lag > this.newestTick ? this.moved >= cn : t > n;
	}
};
function mn(e, t) {
	let { data: n } = e, r = e.count - 1, i = e.at(r);
	for (; r > 0 && n[e.at(r - 1) + J] > t;) i = e.at(--r);
	let a = {
		x: n[i + Y],
		y: n[i + X],
		turn: n[i + Z]
	};
	if (t >= n[i + J] || r === 0) return a;
	let o = e.at(r - 1), [s, c, l] = [
		n[o + Y],
		n[o + X],
		n[o + Z]
	], u = n[i + J] - n[o + J], d = (t - n[o + J]) / u;
	return Math.hypot(a.x - s, a.y - c) > on * u ? {
		x: s,
		y: c,
		turn: l
	} : {
		x: s + (a.x - s) * d,
		y: c + (a.y - c) * d,
		turn: n[i + dn] ? a.turn : _n(l, a.turn, d)
	};
}
function hn(e, t, n) {
	let { data: r, count: i, newest: a } = e, o = {
		x: r[a + Y],
		y: r[a + X],
		turn: r[a + Z]
	};
	if (i < 2) return o;
	let s = e.at(i - 2), c = r[a + J] - r[s + J], [l, u] = [o.x - r[s + Y], o.y - r[s + X]];
	if (c > e.interval + sn || Math.hypot(l, u) > on * c) return o;
	let d = Math.min((t - r[a + J]) * n, 250), f = Math.max(0, d - nn), p = (d - f * f / 200) / n / c;
	return o.x += l * p, o.y += u * p, o;
}
function gn(e, t) {
	return (Math.atan2(t, e) / (2 * Math.PI) * 256 + 256) % 256;
}
function _n(e, t, n) {
	return (e + ((t - e + 384) % 256 - 128) * n + 256) % 256;
}
// src/sdk/playback.ts
var vn = 4, yn = class {
	clock;
	motion;
	client;
	placeOf;
	tick = 0;
	beganAt = 0;
	elapsedMs = 0;
	constructor(e, t) {
		this.client = e, this.placeOf = t, this.clock = new tn(e.view.tickRateHz), this.motion = new pn(e.view.tickRateHz), e.on("welcome", ({ tickRateHz: e }) => this.clock.restart(e)), e.on("pong", ({ tick: e }) => this.clock.observe(e, performance.now())), e.on("frame", (t) => {
			t.reset && this.motion.reset(e.view.tickRateHz), t.heartbeat ? this.clock.observe(t.tick, performance.now()) : this.clock.handleArrival(t.tick, performance.now()), this.motion.handleTick(t.tick);
			for (let e of t.removed) this.motion.handleRemoved(e);
			for (let e of t.added) this.record(e, t.tick);
			for (let e of t.changed) this.record(e, t.tick);
		});
	}
	begin(e) {
		return this.elapsedMs = Math.max(0, e - this.beganAt), this.beganAt = e, this.tick = this.clock.renderTick(e), this.client.behind = Math.max(0, (this.client.view.tick - this.tick) * vn), this.tick;
	}
	pose(e) {
		return this.motion.pose(e, this.tick, this.elapsedMs);
	}
	record(e, t) {
		let n = this.client.view.entities.get(e);
		if (n === void 0) return;
		let { view: r } = this.client, i = this.placeOf(n);
		this.motion.handleSample(e, t, r.follows(e) ? {
			...i,
			follows: !0
		} : i, r.tierOf(e));
	}
}, bn = .4, $ = .1, xn = .02, Sn = class {
	nextAt = 0;
	stepMs;
	x = 0;
	y = 0;
	constructor(e) {
		this.stepMs = e;
	}
	handleLead(e) {
		let t = e / this.stepMs * 2 * Math.PI;
		this.x += (Math.cos(t) - this.x) * $, this.y += (Math.sin(t) - this.y) * $;
	}
	handleStep(e) {
		let t = this.stepMs * (e ? .5 : xn), n = Math.max(-t, Math.min(t, this.off() * (e ? 1 : $)));
		this.turn(n), this.nextAt += this.stepMs + n;
	}
	off() {
		if (this.x === 0 && this.y === 0) return 0;
		let e = bn * 2 * Math.PI, t = Math.atan2(this.y, this.x) - e;
		return Math.atan2(Math.sin(t), Math.cos(t)) / (2 * Math.PI) * this.stepMs;
	}
	turn(e) {
		let t = -e / this.stepMs * 2 * Math.PI, [n, r] = [this.x, this.y];
		this.x = n * Math.cos(t) - r * Math.sin(t), this.y = n * Math.sin(t) + r * Math.cos(t);
	}
}, Cn = 4, wn = 30, Tn = 3, En = 50, Dn = class {
	confirmed = 0;
	corrected = 0;
	rules;
	send;
	shared;
	stepMs = 50;
	dt = 0;
	phase = new Sn(50);
	base = null;
	state = null;
	steps = [];
	number = 0;
	ack = 0;
	offset = null;
	once = [];
	held = null;
	fresh = !1;
	letGo = !1;
	repeated = null;
	sentWith = -Infinity;
	every = 1;
	from = {
		x: 0,
		y: 0,
		at: 0
	};
	to = {
		x: 0,
		y: 0,
		at: 0
	};
	bent = !1;
	pictureAt = -Infinity;
	ahead = null;
	error = {
		x: 0,
		y: 0,
		at: -Infinity
	};
	constructor(e, t, n) {
		this.rules = e, this.send = t, this.shared = n, this.restart(20);
	}
	restart(e) {
		this.stepMs = 1e3 / e, this.dt = Math.fround(1 / e), this.phase = new Sn(this.stepMs), this.every = Math.min(3, Math.ceil(e / wn)), this.sentWith = -Infinity, this.base = this.state = null, this.steps = [], this.once = [], this.held = this.repeated = null, this.fresh = this.letGo = !1, this.ack = 0, this.offset = null;
	}
	get nextAt() {
		return this.phase.nextAt;
	}
	hold(e, t) {
		if (this.advance(t), this.held !== null || e !== null) {
			if (e === null) this.letGo = !0;
			else if (kn(e, this.held) && !this.letGo) return;
			else this.held = e, this.fresh = !0, this.letGo = !1;
			this.bend(t);
		}
	}
	press(e, t, n) {
		this.advance(t), this.once.push({
			input: e,
			sent: n
		}), this.bend(t);
	}
	advance(e) {
		let { phase: t } = this, n = Math.floor((e - t.nextAt) / this.stepMs);
		for (n >= Tn && (this.number += n, t.nextAt += n * this.stepMs, this.repeated && (this.repeated.ticks -= n), n > 64 && (this.offset = null)); t.nextAt <= e;) this.take(t.nextAt, e);
	}
	handleFrame(e, t) {
		if (this.advance(t), !e) {
			this.base = this.state = null, this.steps = [];
			return;
		}
		this.acknowledge(e);
		let n = null;
		for (; this.steps[0] && this.isDone(this.steps[0], e);) n = this.steps.shift().state;
		let { rules: r } = this, i = this.state === null, a = r.adopt ? r.adopt(e.entity, n ?? this.base) : On(e.entity);
		n !== null && this.count(r.place(n), r.place(a)), this.base = this.state = a;
		for (let e of this.steps) this.state = e.state = r.step(this.state, e.inputs, this.dt, this.shared());
		i ? this.jump(t) : this.correct(t);
	}
	drawn(e) {
		return this.pictureAt = e, this.shown(e);
	}
	shown(e) {
		if (this.advance(e), this.state === null) return null;
		let t = this.placeAt(e), n = 1 - (e - this.error.at) / 100, r = n > 0 ? Math.min(1, n) ** 2 : 0;
		return {
			x: t.x + this.error.x * r,
			y: t.y + this.error.y * r,
			state: this.ahead ?? this.state
		};
	}
	acknowledge(e) {
		if (e.ack === this.ack) return;
		this.ack = e.ack;
		let t = this.steps.findLast(({ seq: t }) => t === e.ack);
		t && (this.offset = e.tick - t.number, e.leadMs !== null && this.phase.handleLead(e.leadMs + t.lateMs));
	}
	isDone(e, t) {
		return e.seq > 0 ? e.seq <= t.ack : this.offset === null || e.number + this.offset <= t.tick;
	}
	saying() {
		return this.letGo && !this.fresh ? this.rules.rest ?? null : this.held;
	}
	wanted(e) {
		let t = this.once.slice(0, Cn).map(({ input: e }) => e), n = e && this.held !== null ? this.saying() : null;
		return n === null ? this.repeated && this.repeated.ticks > 0 && t.push(this.repeated.input) : t.push(n), t;
	}
	take(e, t) {
		let { phase: n } = this, r = this.number + 1 - this.sentWith >= this.every, i = this.wanted(r), a = this.sendWanted(r);
		this.number += 1;
		let o = this.placeAt(e), s = this.state === null ? null : this.rules.step(this.state, i, this.dt, this.shared());
		n.handleStep(this.steps.length === 0 && i.length === 0 && s === this.state), s !== null && ((s !== this.state || a > 0) && (this.steps.push({
			number: this.number,
			inputs: i,
			seq: a,
			lateMs: t - e,
			state: s
		}), this.steps.length > 64 && this.steps.shift()), this.state = s, this.bent = !1, this.head(o, e, s, n.nextAt));
	}
	sendWanted(e) {
		let t = 0;
		for (let { input: e, sent: n } of this.once.splice(0, Cn)) {
			let r = this.send(e);
			r !== 0 && (t = r, n?.(r));
		}
		if (e && this.held !== null) {
			let e = this.saying();
			e !== null && (t = this.send(e) || t, this.sentWith = this.number + 1, this.repeated = {
				input: e,
				ticks: 3
			}), this.letGo && !this.fresh && (this.held = null, this.letGo = !1), this.fresh = !1;
		}
		return this.repeated && --this.repeated.ticks, t;
	}
	bend(e) {
		if (this.state === null) return;
		let t = e - this.pictureAt > En ? e : Math.min(e, this.pictureAt), n = Math.max(this.from.at, t), r = this.placeAt(n), i = this.rules.step(this.state, this.wanted(!0), this.dt, this.shared());
		this.bent = !0, this.head(r, n, i, this.nextAt + this.stepMs);
	}
	head(e, t, n, r) {
		let i = this.rules.place(n);
		this.ahead = n, Object.assign(this.from, {
			x: e.x,
			y: e.y,
			at: t
		}), Object.assign(this.to, {
			x: i.x,
			y: i.y,
			at: r
		});
	}
	placeAt(e) {
		let { from: t, to: n } = this;
		if (e >= n.at || t.at >= n.at) return {
			x: n.x,
			y: n.y
		};
		let r = Math.max(0, e - t.at) / (n.at - t.at);
		return {
			x: t.x + (n.x - t.x) * r,
			y: t.y + (n.y - t.y) * r
		};
	}
	count(e, t) {
		this.confirmed += 1, (e.x !== t.x || e.y !== t.y) && (this.corrected += 1);
	}
	jump(e) {
		this.head(this.rules.place(this.state), e, this.state, e), this.bent = !1, this.error.at = -Infinity;
	}
	correct(e) {
		let { rules: t, from: n, to: r } = this;
		this.ahead = this.bent ? t.step(this.state, this.wanted(!0), this.dt, this.shared()) : this.state;
		let i = t.place(this.ahead), [a, o] = [i.x - r.x, i.y - r.y];
		if (a === 0 && o === 0) return;
		let s = this.shown(e);
		Object.assign(n, {
			x: n.x + a,
			y: n.y + o
		}), Object.assign(r, {
			x: i.x,
			y: i.y
		});
		let c = this.placeAt(e);
		Object.assign(this.error, {
			x: s.x - c.x,
			y: s.y - c.y,
			at: e
		}), Math.hypot(this.error.x, this.error.y) > 3 && this.jump(e);
	}
};
function On(e) {
	if (typeof e != "object" || !e) return e;
	let t = (e) => typeof e == "object" && !!e && Object.getPrototypeOf(e) === Object.prototype;
	return Object.fromEntries(Object.entries(e).map(([e, n]) => [e, t(n) ? { ...n } : n]));
}
function kn(e, t) {
	if (e === t) return !0;
	if (typeof e != "object" || typeof t != "object" || e === null || t === null) return !1;
	let n = Object.keys(e);
	return n.length === Object.keys(t).length && n.every((n) => Object.is(e[n], t[n]));
}
// src/sdk/avatar.ts
var An = class {
	predictor;
	timer;
	constructor(e, t) {
		let { view: n } = e;
		this.predictor = new Dn(t, (t) => e.input(t), () => n.shared), e.on("welcome", ({ tickRateHz: e }) => this.predictor.restart(e)), e.on("frame", ({ tick: e }) => {
			let t = n.avatar === null ? void 0 : n.entities.get(n.avatar), r = t === void 0 ? null : {
				tick: e,
				ack: n.inputAck,
				leadMs: n.lead,
				entity: t
			};
			this.predictor.handleFrame(r, performance.now());
		}), e.on("state", ({ type: e }) => {
			clearTimeout(this.timer), e === "open" && this.wait();
		});
	}
	hold(e) {
		this.predictor.hold(e, performance.now());
	}
	press(e, t) {
		this.predictor.press(e, performance.now(), t);
	}
	drawn(e) {
		return this.predictor.drawn(e);
	}
	wait() {
		this.timer = setTimeout(() => {
			this.predictor.advance(performance.now()), this.wait();
		}, Math.max(1, this.predictor.nextAt - performance.now()));
	}
};
export { An as Avatar, Gt as Client, e as DecodeError, pn as Motion, zt as NAME_CHARS_MAX, m as NotAdmitted, yn as Playback, Dn as Predictor, r as Reader, tn as TickClock, Ft as View, V as ViewError, o as Writer, F as applyUpdate, Se as bool, Ce as bytes, Wt as connect, qe as decodeServerMessage, P as decodeUpdate, ze as defineGame, L as encodeClientMessage, Fe as encodeUpdate, C as f32, xe as f64, Ae as heading, je as headingRadians, S as i16, ye as i32, be as i64, ge as i8, we as list, De as names, Te as option, Pe as owner, ke as position, Me as quantised, Oe as replicated, w as str, E as struct, Ne as team, Ee as tuple, _e as u16, x as u32, ve as u64, b as u8, T as unit, D as variants, O as vec2 };
