/** A parsed image reference; `name` is complete (`docker.io/library/busybox`), as container runtimes normalise it. */
export interface ImageReference {
  readonly name: string;
  /** Undefined when there is a digest alone; `latest` when there is neither. */
  readonly tag: string | undefined;
  readonly digest: string | undefined;
}

/**
 * The grammar of distribution/reference: `[registry[:port]/]path[:tag][@digest]`, lower-case path of at most 255
 * characters. Undefined for anything else: the kubelet's InvalidImageName.
 */
export function parseImageReference(text: string): ImageReference | undefined {
  const found = GRAMMAR.exec(text);
  if (found === null) return undefined;
  const [, path = '', tag, digest] = found;
  const name = complete(path);
  if (name.length > 255 || !NAME.test(name)) return undefined;
  return { name, tag: tag ?? (digest === undefined ? 'latest' : undefined), digest };
}

export function formatImageReference(reference: ImageReference): string {
  const tag = reference.tag === undefined ? '' : `:${reference.tag}`;
  return `${reference.name}${tag}${reference.digest === undefined ? '' : `@${reference.digest}`}`;
}

const GRAMMAR =
  /^([^@]+?)(?::([A-Za-z0-9_][A-Za-z0-9_.-]{0,127}))?(?:@([a-z0-9]+(?:[.+_-][a-z0-9]+)*:[0-9a-fA-F]{32,}))?$/;

const COMPONENT = '[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*';
const LABEL = '[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?';
const NAME = new RegExp(`^(?:${LABEL}(?:\\.${LABEL})*|\\[[0-9a-fA-F:]+\\])(?::[0-9]+)?(?:/${COMPONENT})+$`);

/** Without a registry (a first part with a dot or a port, or `localhost`) it is Docker Hub's. */
function complete(path: string): string {
  const slash = path.indexOf('/');
  const first = slash < 0 ? '' : path.slice(0, slash);
  if (first === 'localhost' || /[.:]/.test(first)) return path.replace(/^index\.docker\.io\//, 'docker.io/');
  return slash < 0 ? `docker.io/library/${path}` : `docker.io/${path}`;
}
