"use client";

import { ArrowDown, ArrowUp } from "lucide-react";
import { type ReactNode, useState } from "react";
import { cn } from "@/lib/cn";
import { type Column, type Order, orderAfter, sorted } from "@/lib/dashboard-tables";
import { measure } from "@/lib/metric-units";

interface SortTableProps<Row> {
  slot: string;
  title: string;
  rows: readonly Row[];
  columns: readonly Column<Row>[];
  nameOf: (row: Row) => string;
  head: (row: Row) => ReactNode;
  /** What a click on a number opens; absent: numbers of this table lead nowhere. */
  onOpen?: (row: Row, column: Column<Row>) => void;
}

/** Rows of numbers, in the order of the column that was chosen; at first of the first. */
export function SortTable<Row>({ slot, title, rows, columns, nameOf, head, onOpen }: SortTableProps<Row>) {
  const [order, setOrder] = useState<Order>({ column: columns[0]?.id ?? "name", isRising: false });
  const click = (column: string): void => setOrder((before) => orderAfter(before, column));
  return (
    <div
      data-slot={slot}
      className="min-w-0 overflow-x-auto"
      tabIndex={0}
      role="region"
      aria-label={`${title} in numbers`}
    >
      <table className="w-full text-[13px] tabular-nums">
        <caption className="pb-2 text-left font-medium">{title}</caption>
        <thead>
          <tr className="border-b">
            <Head id="name" label="Name" order={order} onClick={click} isName />
            {columns.map(({ id, label, isMinor }) => (
              <Head key={id} id={id} label={label} order={order} onClick={click} isMinor={isMinor} />
            ))}
          </tr>
        </thead>
        <tbody className="divide-y">
          {sorted(rows, columns, nameOf, order).map((row) => (
            <tr key={nameOf(row)} data-name={nameOf(row)}>
              <th scope="row" className="max-w-60 min-w-28 py-1.5 pr-2 text-left font-normal">
                {head(row)}
              </th>
              {columns.map((column) => {
                const value = measure(column.value(row), column.unit);
                const isOpen =
                  onOpen !== undefined && column.metric !== undefined && column.value(row) !== null;
                return (
                  <td
                    key={column.id}
                    className={cn(
                      "whitespace-nowrap py-0.5 pl-4 text-right",
                      column.isMinor && "max-sm:hidden",
                    )}
                  >
                    {isOpen ? (
                      <button
                        type="button"
                        data-slot="cell"
                        data-column={column.id}
                        aria-label={`${column.label} of ${nameOf(row)}: ${value}. Runs behind it`}
                        onClick={() => onOpen(row, column)}
                        className="h-6 decoration-input underline-offset-3 hover:underline"
                      >
                        {value}
                      </button>
                    ) : (
                      <span className="inline-block py-0.5">{value}</span>
                    )}
                  </td>
                );
              })}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

interface HeadProps {
  id: string;
  label: string;
  order: Order;
  onClick: (id: string) => void;
  isName?: boolean;
  isMinor?: boolean;
}

function Head({ id, label, order, onClick, isName = false, isMinor = false }: HeadProps) {
  const isChosen = order.column === id;
  const Arrow = order.isRising ? ArrowUp : ArrowDown;
  return (
    <th
      scope="col"
      aria-sort={isChosen ? (order.isRising ? "ascending" : "descending") : undefined}
      className={cn(
        "pb-1 font-normal text-xs",
        isName ? "text-left" : "pl-4 text-right",
        isMinor && "max-sm:hidden",
      )}
    >
      <button
        type="button"
        data-slot="sort"
        data-column={id}
        onClick={() => onClick(id)}
        className={cn(
          "relative h-6 whitespace-nowrap hover:text-foreground",
          isChosen ? "text-foreground" : "text-faint-foreground",
        )}
      >
        {label}
        {isChosen ? (
          <Arrow aria-hidden className={cn("inline size-3 align-[-1px]", isName ? "ml-1" : "ml-1")} />
        ) : null}
      </button>
    </th>
  );
}
