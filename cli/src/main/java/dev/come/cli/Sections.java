package dev.come.cli;

import java.lang.reflect.Field;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.ArgGroupSpec;
import picocli.CommandLine.Model.CommandSpec;

/**
 * Adds options that lie in {@link Section}s to their command.
 *
 * <p>
 * The library's own annotation {@code @ArgGroup} makes a new object for the options of a group when one of them is
 * given again, and what was given before is lost. A group that is made here always fills the one object that the field
 * holds: the last value of an option wins, and all others stay.
 */
final class Sections {
    private Sections() {
    }

    /** Adds the options in the sections of the command's object, also of sections in sections and in mixins. */
    static void addTo(CommandSpec command) {
        of(command.userObject()).forEach(command::addArgGroup);
    }

    private static List<ArgGroupSpec> of(Object owner) {
        List<ArgGroupSpec> groups = new ArrayList<>();
        for (Class<?> type : fromTheTop(owner.getClass())) {
            for (Field field : type.getDeclaredFields()) {
                Section section = field.getAnnotation(Section.class);
                if (section != null) {
                    groups.add(group(section, read(field, owner)));
                } else if (field.isAnnotationPresent(Mixin.class)) {
                    groups.addAll(of(read(field, owner)));
                }
            }
        }
        return groups;
    }

    private static ArgGroupSpec group(Section section, Object options) {
        ArgGroupSpec.Builder group = ArgGroupSpec.builder().validate(false).order(section.order());
        if (!section.heading().isEmpty()) {
            group.heading(section.heading());
        }
        CommandSpec.forAnnotatedObjectLenient(options).options().forEach(group::addArg);
        of(options).forEach(group::addSubgroup);
        return group.build();
    }

    /** Superclasses first, so that options are shown in the order in which they are declared. */
    private static Deque<Class<?>> fromTheTop(Class<?> last) {
        Deque<Class<?>> types = new ArrayDeque<>();
        for (Class<?> type = last; type != null; type = type.getSuperclass()) {
            types.addFirst(type);
        }
        return types;
    }

    private static Object read(Field field, Object owner) {
        try {
            field.setAccessible(true);
            return field.get(owner);
        } catch (IllegalAccessException e) {
            throw new IllegalStateException(field + " cannot be read", e);
        }
    }
}
