/** Typed listeners, called in the order in which they were added. */
export class Emitter<E extends object> {
  private readonly listeners = new Map<keyof E, Set<(value: never) => void>>();

  /** Calls `listener` from now on; returns what ends it. */
  on<K extends keyof E>(kind: K, listener: (value: E[K]) => void): () => void {
    let set = this.listeners.get(kind);
    if (!set) this.listeners.set(kind, (set = new Set()));
    set.add(listener);
    return () => set.delete(listener);
  }

  /** Tells no more listeners once `holds` says that a listener has made it untrue. */
  protected emit<K extends keyof E>(kind: K, value: E[K], holds = () => true): void {
    for (const listener of this.listeners.get(kind) ?? []) {
      if (holds()) (listener as (value: E[K]) => void)(value);
    }
  }
}
