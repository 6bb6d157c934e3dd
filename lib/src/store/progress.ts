/** How long work reports what it does. Whoever shows it (a terminal, a notebook) implements this one function. */
export interface ProgressUpdate {
  /** What is being done, in a few words: `embedding repositories`. */
  stage: string;
  done: number;
  total: number;
  /** A short live figure: `loss 1.83, 5.2k tokens/s`. */
  note?: string;
}
export type Progress = (update: ProgressUpdate) => void;

export const silent: Progress = () => {};
