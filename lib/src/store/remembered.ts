/** What is made at the first call and then kept. A failure is not kept: whoever asks again has it tried again. */
export function remembered<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined;
  return () => {
    if (!made) {
      const making = made = make();
      making.catch(() => { if (made === making) made = undefined; });
    }
    return made;
  };
}
