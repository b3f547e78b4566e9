// The clipboard, which a page that came over plain HTTP from another computer does not have.

/** Copies text, or fails where the browser does not let the page. */
export function copied(text: string): Promise<void> {
  return (navigator.clipboard as Clipboard | undefined)?.writeText(text) ?? Promise.reject();
}
