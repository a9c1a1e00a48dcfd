import { cva, type VariantProps } from "class-variance-authority";
import type { ComponentProps } from "react";
import { cn } from "@/lib/cn";

const buttonVariants = cva(
  "inline-flex shrink-0 select-none items-center justify-center gap-2 whitespace-nowrap rounded-md font-medium transition-colors duration-100 disabled:pointer-events-none disabled:opacity-45 [&_svg]:shrink-0 [&_svg]:size-4",
  {
    variants: {
      variant: {
        primary: "bg-primary text-primary-foreground hover:bg-primary/88",
        outline: "border border-input bg-transparent hover:bg-accent",
        ghost: "text-muted-foreground hover:bg-accent hover:text-foreground data-[state=open]:bg-accent",
        quiet: "font-normal text-muted-foreground hover:text-foreground",
        danger: "border border-destructive/40 text-destructive hover:bg-destructive-tint",
        link: "font-normal text-primary underline decoration-primary/40 underline-offset-3 hover:decoration-primary",
      },
      size: {
        md: "h-8 px-3 text-[13px]",
        sm: "h-7 gap-1.5 px-2 text-xs",
        icon: "size-8",
        "icon-sm": "size-7 [&_svg]:size-3.5",
        inline: "h-auto text-[length:inherit]",
      },
    },
    defaultVariants: { variant: "outline", size: "md" },
  },
);

export type ButtonProps = ComponentProps<"button"> & VariantProps<typeof buttonVariants>;

export function Button({ className, variant, size, type = "button", ...props }: ButtonProps) {
  return (
    <button
      data-slot="button"
      type={type}
      className={cn(buttonVariants({ variant, size }), className)}
      {...props}
    />
  );
}
