/** Whether `Accept-Encoding` lets the answer be gzip; without the header it is not compressed. */
export function acceptsGzip(header: string | undefined): boolean {
  if (header === undefined) return false;
  let anyCoding: boolean | null = null;
  for (const part of header.toLowerCase().split(',')) {
    const [coding = '', ...parameters] = part.split(';').map((piece) => piece.trim());
    const weight = parameters.find((parameter) => parameter.startsWith('q='));
    const isWanted = weight === undefined || Number(weight.slice(2)) > 0;
    if (coding === 'gzip' || coding === 'x-gzip') return isWanted;
    if (coding === '*') anyCoding = isWanted;
  }
  return anyCoding ?? false;
}
