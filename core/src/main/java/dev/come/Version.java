package dev.come;

/** What this program calls itself in the files that it writes. */
public final class Version {
    /** The name with the version, as the jar's manifest has it. */
    public static final String NAME = "CoMe for Java " + number();

    private Version() {
    }

    /** The version; "development" where classes do not come from a jar. */
    public static String number() {
        String version = Version.class.getPackage().getImplementationVersion();
        return version == null ? "development" : version;
    }
}
