import { interfaces, nft } from '../../../kernel/contract.ts';
import { Nft } from '../../../kernel/nft/index.ts';

/** What leaves by the way outside carries the fabric's address there: the program behind it knows no other. */
export function masqueradeOutside(fabricPath: string): void {
  const table = nft.tables.fabric;
  const { hook, priority } = nft.chains['fabric/postrouting-masquerade'];
  using tables = Nft.open(fabricPath);
  tables.run(`
    add table inet ${table}
    delete table inet ${table}
    table inet ${table} {
      chain postrouting-masquerade {
        type nat hook ${hook} priority ${priority}; policy accept;
        oifname "${interfaces.outside}" masquerade
      }
    }
  `);
}
