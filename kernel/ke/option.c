/*
 * option.c - the kernel's command line: words NAME, NAME=NUMBER and NAME=TEXT.
 *
 * Whoever a word is for looks for it when its time comes, and nobody would notice one that is
 * misspelt. So all of them stand in a table here, too, which serves nothing but to tell people.
 */
#include "ke.h"
#include <loader.h>
#include "kd.h"

#if DBG
#define KI_DEBUG_KERNEL TRUE
#else
#define KI_DEBUG_KERNEL FALSE
#endif

typedef enum _KI_WORD_FORM {
    KiWordAlone,
    KiWordNumber,
    KiWordText
} KI_WORD_FORM;

static const struct {
    const char *Name;
    UCHAR Form;
    BOOLEAN OnlyDebug; /* the release kernel does not have what it is about */
} KiWords[] = {
    {"break", KiWordAlone, FALSE},       {"debug", KiWordAlone, FALSE},
    {"debugport", KiWordText, FALSE},    {"dpcwatchdog", KiWordNumber, FALSE},
    {"exec", KiWordAlone, FALSE},        {"iorundown", KiWordNumber, FALSE},
    {"pageable", KiWordNumber, TRUE},    {"poolfail", KiWordText, FALSE},
    {"poolnx", KiWordNumber, FALSE},     {"registry", KiWordText, FALSE},
    {"seed", KiWordNumber, TRUE},        {"specialpool", KiWordText, FALSE},
    {"stacktraces", KiWordNumber, TRUE}, {"verifier", KiWordNumber, FALSE},
};

const char *KiFindBootOption(const char *Name, ULONG Index, SIZE_T *Length)
{
    SIZE_T NameLength = strlen(Name);
    const char *Line = KeLoaderBlock->CommandLine;

    for (const char *At = Line; (At = strstr(At, Name)) != NULL; At += NameLength) {
        const char *Value = At + NameLength + 1;

        if ((At != Line && At[-1] != ' ') || At[NameLength] != '=' || Index-- != 0) {
            continue;
        }
        for (*Length = 0; Value[*Length] != ' ' && Value[*Length] != 0;) {
            *Length += 1;
        }
        return Value;
    }
    return NULL;
}

BOOLEAN KiQueryBootOption(const char *Name, ULONG64 *Value)
{
    CHAR Text[24];
    SIZE_T Length;
    const char *Word = KiFindBootOption(Name, 0, &Length);

    if (Word == NULL || Length >= sizeof(Text)) {
        return FALSE;
    }
    memcpy(Text, Word, Length);
    Text[Length] = 0;
    return KdParseNumber(Text, Value);
}

/* What is wrong with a word, or NULL. Value is behind its equals sign, NULL without one. */
static const char *KiComplaintOf(const char *Word, SIZE_T NameLength, const char *Value)
{
    ULONG64 Number;
    ULONG i = 0;

    while (i < ARRAYSIZE(KiWords) && (strlen(KiWords[i].Name) != NameLength ||
                                      strncmp(KiWords[i].Name, Word, NameLength) != 0)) {
        i++;
    }
    if (i == ARRAYSIZE(KiWords)) {
        return "there is no such word";
    }
    if (KiWords[i].OnlyDebug && !KI_DEBUG_KERNEL) {
        return "only the debug kernel (DEBUG=1) knows this";
    }
    if (KiWords[i].Form == KiWordAlone) {
        return Value == NULL ? NULL : "nothing belongs behind this";
    }
    if (KiWords[i].Form == KiWordNumber && !(Value != NULL && KdParseNumber(Value, &Number))) {
        return "a number belongs behind this";
    }
    return Value != NULL ? NULL : "a value belongs behind this";
}

void KiCheckCommandLine(void)
{
    CHAR Word[80];
    const char *At = KeLoaderBlock->CommandLine, *End;

    for (; *At != 0; At = *End == ' ' ? End + 1 : End) {
        const char *Equals, *Complaint = NULL;
        SIZE_T Length;

        End = strchr(At, ' ');
        End = End != NULL ? End : At + strlen(At);
        Length = min((SIZE_T)(End - At), sizeof(Word) - 1);
        memcpy(Word, At, Length);
        Word[Length] = 0;
        Equals = strchr(Word, '=');
        if (Length != 0) {
            Complaint = KiComplaintOf(Word, Equals != NULL ? (SIZE_T)(Equals - Word) : Length,
                                      Equals != NULL ? Equals + 1 : NULL);
        }
        if (Complaint != NULL) {
            KdPrintf("command line: %s: %s\n", Word, Complaint);
        }
    }
}
