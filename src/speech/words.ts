/** The words of a text in small letters, without punctuation; apostrophes and hyphens inside of words stay. Pure. */
export function wordsOf(text: string): string[] {
  return writtenWordsOf(text).map((word) => word.toLowerCase());
}

/** As `wordsOf`, in the letters in which they were written. Pure. */
export function writtenWordsOf(text: string): string[] {
  return (
    text
      .normalize('NFKC')
      .replaceAll('’', "'")
      .match(/[\p{L}\p{M}\p{N}]+(?:['-][\p{L}\p{M}\p{N}]+)*/gu) ?? []
  );
}
