"""What a vendor's own client asks of an emulator, a call a line; see calls.mjs."""
import re


def call(name, ask):
    """Tells how a call went; ask returns what is wrong with the answer, or nothing."""
    try:
        wrong = ask()
    except Exception as e:  # each call stands for itself
        tell("REFUSED" if "does not serve" in str(e) else "DIFFERS", name, f"{type(e).__name__}: {e}")
        return
    tell("DIFFERS" if wrong else "WORKS", name, wrong or "")


def tell(verdict, name, why):
    print(verdict, name, re.sub(r"\s+", " ", str(why)), sep="\t", flush=True)
