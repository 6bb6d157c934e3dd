/** A text from outside, a repository's name, where Markdown and plotly.js would read tags in it. For HTML: `escapeHtml`. */
export const plain = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
