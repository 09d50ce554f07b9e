// compare.mjs BASE OTHER: two results of one revision of the suite (folders made by `suite`). Prints how many checks pass in each
// and every check that passes in BASE and not in OTHER; fails when there is one, or when nothing was checked.
import fs from 'node:fs';
import path from 'node:path';

// scenario/check -> {status, why}; a check that is made several times in a scenario is numbered.
function read(folder) {
    const checks = new Map();
    for (const entry of fs.readdirSync(folder)) {
        const scenario = entry.replace(/^server-/, '').replace(/-\d{4}-\d\d-\d\dT[\d-]+Z$/, '');
        const times = {};
        const file = path.join(folder, entry, 'checks.json');
        if (!fs.existsSync(file)) continue; // the scenario broke off
        for (const check of JSON.parse(fs.readFileSync(file, 'utf8'))) {
            const time = (times[check.id] = (times[check.id] ?? 0) + 1);
            checks.set(`${scenario}/${check.id}${time > 1 ? '#' + time : ''}`, { status: check.status, why: check.errorMessage });
        }
    }
    return checks;
}
const passes = check => check?.status === 'SUCCESS';
const count = checks => [...checks.values()].filter(passes).length;

const [base, other] = process.argv.slice(2).map(read);
console.log(`${count(base)} checks pass directly, ${count(other)} here`);
const lost = [...base].filter(([name, check]) => passes(check) && !passes(other.get(name)));
for (const [name] of lost) console.log(`lost ${name}: ${other.get(name)?.why ?? other.get(name)?.status ?? 'not reached'}`);
process.exit(lost.length || !count(base) ? 1 : 0);
