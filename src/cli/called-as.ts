/** How people called the program: the launcher tells, by its path (`./fairlead`) or by its name on the PATH. */
export const calledAs = (environment: NodeJS.ProcessEnv): string =>
  environment['FAIRLEAD_COMMAND'] || 'fairlead';

/**
 * A text with its commands (`fairlead up --name blue`) in the form in which people called the program, so that they can
 * be copied. Everything that is thrown or reported says plain `fairlead`; this is for the last step before a terminal.
 */
export function withCommandsAs(called: string, text: string): string {
  return text.replaceAll(
    /(?<![\w./-])fairlead(?= (?:up|down|status|kubeconfig|logs|trace|gateway|flows|why|dns|services|policy|audit|migrate|help|version)\b)/g,
    () => called,
  );
}
