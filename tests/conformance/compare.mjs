// compare.mjs REVISION BASE OTHER: two results of the suite, folders made by `suite`. Prints how many checks pass in each and every
// check that passes in BASE and not in OTHER. Fails when one is lost that is not in known-losses, when one of these is not lost any
// more and BASE is the whole fixture, and when nothing was checked.
import fs from 'node:fs';
import path from 'node:path';

// scenario/check -> {status, why}; a check that is made several times in a scenario is numbered.
function read(folder) {
    const checks = new Map();
    for (const entry of fs.readdirSync(folder)) {
        const scenario = entry.replace(/^server-/, '').replace(/-\d{4}-\d\d-\d\dT[\d-]+Z$/, '');
        const file = path.join(folder, entry, 'checks.json');
        const times = {};
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
const fits = (pattern, text) => new RegExp(`^${pattern.replaceAll('.', '\\.').replaceAll('*', '.*')}$`).test(text);

const [revision, baseName, otherName] = process.argv.slice(2);
const [base, other] = [baseName, otherName].map(name => read(path.join(name, revision)));
const known = fs.readFileSync(new URL('known-losses', import.meta.url), 'utf8').split('\n').filter(line => /^[^#]/.test(line))
    .map(line => line.split(' ')).filter(([when, server]) => when === revision && fits(server, otherName));

console.log(`${count(base)} checks pass directly, ${count(other)} here`);
let bad = !count(base);
const lost = [...base].filter(([name, check]) => passes(check) && !passes(other.get(name))).map(([name]) => name);
for (const name of lost) {
    const expected = known.some(([, , check]) => fits(check, name));
    bad ||= !expected;
    console.log(`${expected ? 'known to be lost' : 'lost'}: ${name}: ${other.get(name)?.why ?? other.get(name)?.status ?? 'not reached'}`);
}
for (const [, , check] of baseName === 'direct-both' ? known : []) {
    if (lost.some(name => fits(check, name))) continue;
    bad = true;
    console.log(`not lost any more: ${check}`);
}
process.exit(bad ? 1 : 0);
