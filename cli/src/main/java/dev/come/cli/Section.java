package dev.come.cli;

import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;

/** Marks a field whose object holds options, which {@code --help} shows together; {@link Sections} reads it. */
@Retention(RetentionPolicy.RUNTIME)
@Target(ElementType.FIELD)
@interface Section {
    /** The line above the options; without one they stand among those of the section around. */
    String heading() default "";

    /** Sections with a smaller number come first. */
    int order() default -1;
}
