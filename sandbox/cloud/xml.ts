const NAMESPACE = 'http://autoscaling.amazonaws.com/doc/2011-01-01/';

/** A reply of AWS's Query protocol; lists become `<member>` elements, and what is undefined is left out. */
export function renderReply(operation: string, result: object | null, requestId: string): string {
  const body = result === null ? '' : element(`${operation}Result`, result);
  const metadata = element('ResponseMetadata', { RequestId: requestId });
  return `<${operation}Response xmlns="${NAMESPACE}">${body}${metadata}</${operation}Response>`;
}

export function renderError(
  code: string,
  message: string,
  { status, requestId }: { readonly status: number; readonly requestId: string },
): string {
  const error = { Type: status >= 500 ? 'Receiver' : 'Sender', Code: code, Message: message };
  return element('ErrorResponse', { Error: error, RequestId: requestId });
}

function element(name: string, value: unknown): string {
  return value === undefined ? '' : `<${name}>${content(value)}</${name}>`;
}

function content(value: unknown): string {
  if (value instanceof Date) return value.toISOString();
  if (Array.isArray(value)) return value.map((item) => element('member', item)).join('');
  if (typeof value === 'object' && value !== null)
    return Object.entries(value)
      .map(([name, child]) => element(name, child))
      .join('');
  return String(value).replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
