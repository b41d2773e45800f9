// What a vendor's own client asks of an emulator, a call a line:
//
//   WORKS|REFUSED|DIFFERS <tab> the call <tab> why
//
// A call works where its answer is as it should be; it is refused where the emulator
// says in plain words that it does not serve it; anything else differs.

/** calls counts nothing and stops at nothing: each call stands for itself. */
export function calls() {
  const tell = (verdict, name, why = '') => console.log([verdict, name, String(why).replaceAll(/\s+/g, ' ')].join('\t'));
  return async (name, ask) => {
    try {
      const wrong = await ask();
      tell(wrong ? 'DIFFERS' : 'WORKS', name, wrong || '');
    } catch (e) {
      const said = [e.message, e.verbose, e.detail, e.title, e.body && JSON.stringify(e.body)].filter(Boolean).join(' ');
      tell(/does not serve/.test(said) ? 'REFUSED' : 'DIFFERS', name, said);
    }
  };
}

/** until asks again until the answer is over, half a minute at most. */
export async function until(ask, over) {
  for (let i = 0; i < 60; i++) {
    const answer = await ask();
    if (over(answer)) return answer;
    await new Promise((done) => setTimeout(done, 500));
  }
  throw new Error('it did not end in half a minute');
}
